# ===- make_onnx.py - Small ONNX files for tests ---------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes the model NAME, a function below, to FILE: make_onnx.py NAME FILE."""

import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32, I64 = TensorProto.FLOAT, TensorProto.INT64


def make(nodes, inputs, outputs, initializers=(), opset=18, functions=(), domains=()):
    """A model of (name, type, shape) inputs and outputs and arrays by name."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in initializers],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions)


def node(op, inputs, outputs, name="", **attributes):
    return helper.make_node(op, inputs, outputs, name=name, **attributes)


WEIGHT = np.arange(32 * 16, dtype=np.float32).reshape(32, 16) / 100


def linear():
    """A product with a weight of more than 64 elements, for a dynamic batch."""
    return make(
        [node("MatMul", ["x", "w"], ["y"], "product")],
        [("x", F32, ["batch", 32])],
        [("y", F32, ["batch", 16])],
        [("w", WEIGHT)],
    )


def linear_half():
    """The same in f16, inputs and outputs too."""
    half = TensorProto.FLOAT16
    return make(
        [node("MatMul", ["x", "w"], ["y"], "product")],
        [("x", half, [2, 32])],
        [("y", half, [2, 16])],
        [("w", WEIGHT.astype(np.float16))],
    )


def batch_range():
    """Numbers from 3 on, one for each row, as torch exports as_strided for a dynamic batch."""
    return make(
        [
            node("Shape", ["x"], ["size"], start=0, end=1),
            node("Squeeze", ["size"], ["batch"]),
            node("Add", ["batch", "three"], ["limit"]),
            node("Range", ["three", "limit", "one"], ["y"], "numbers"),
        ],
        [("x", F32, ["batch", 8])],
        [("y", I64, None)],
        [("three", np.array(3)), ("one", np.array(1))],
    )


def unnamed_sizes():
    """Sizes that are open but have no name, as Paddle's converters write them."""
    return make([node("Relu", ["x"], ["y"])], [("x", F32, [-1, 3, "?", "?"])], [("y", F32, None)])


def view():
    """A reshape to sizes computed from the batch, as torch exports x.view(x.shape[0], 4, -1)."""
    return make(
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["batch"]),
            node("Unsqueeze", ["batch", "axes"], ["batches"]),
            node("Concat", ["batches", "four", "rest"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["y"], "view"),
        ],
        [("x", F32, ["batch", 8, 3])],
        [("y", F32, None)],
        [
            ("zero", np.array(0)),
            ("axes", np.array([0])),
            ("four", np.array([4])),
            ("rest", np.array([-1])),
        ],
    )


def run_time_shape():
    """A reshape to sizes that are an input."""
    return make(
        [node("Reshape", ["x", "target"], ["y"], "view")],
        [("x", F32, [2, 12]), ("target", I64, [2])],
        [("y", F32, None)],
    )


def symbolic():
    """Sizes with names beside the batch."""
    return make(
        [node("Relu", ["x"], ["y"])],
        [("x", F32, ["batch", 3, "height", "width"])],
        [("y", F32, None)],
    )


def function():
    """A call of a model's own function, with an attribute."""
    body = [
        helper.make_node("LeakyRelu", ["a"], ["b"]),
        helper.make_node("Neg", ["b"], ["c"]),
    ]
    body[0].attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    negated = helper.make_function("own", "NegLeaky", ["a"], ["c"], body, [helper.make_opsetid("", 18)], ["slope"])
    return make(
        [node("NegLeaky", ["x"], ["y"], "call", domain="own", slope=0.25)],
        [("x", F32, [2, 3])],
        [("y", F32, [2, 3])],
        functions=[negated],
        domains=["own"],
    )


def overloads():
    """Two functions of one name, told apart by their overload."""
    opsets = [helper.make_opsetid("", 18)]
    functions = [
        helper.make_function("own", "Change", ["a"], ["b"], [helper.make_node(op, ["a"], ["b"])], opsets, overload=op)
        for op in ("Neg", "Exp")
    ]
    return make(
        [
            node("Change", ["x"], ["n"], "first", domain="own", overload="Neg"),
            node("Change", ["n"], ["y"], "second", domain="own", overload="Exp"),
        ],
        [("x", F32, [2, 3])],
        [("y", F32, [2, 3])],
        functions=functions,
        domains=["own"],
    )


def branch():
    """An If whose condition is known."""
    result = helper.make_tensor_value_info("r", F32, [2, 3])
    then_graph = helper.make_graph([node("Exp", ["x"], ["r"])], "then", [], [result])
    else_graph = helper.make_graph([node("Neg", ["x"], ["r"])], "else", [], [result])
    return make(
        [
            node("Not", ["yes"], ["no"]),
            node("If", ["no"], ["y"], "choice", then_branch=then_graph, else_branch=else_graph),
        ],
        [("x", F32, [2, 3])],
        [("y", F32, [2, 3])],
        [("yes", np.array(True))],
    )


def unsupported():
    """Three nodes of two ops that vitc does not import."""
    return make(
        [
            node("Unique", ["x"], ["a"], "find"),
            node("StringNormalizer", ["a"], ["b"], "clean", case_change_action="LOWER"),
            node("Unique", ["b"], ["y"], "find_again"),
        ],
        [("x", F32, [4])],
        [("y", I64, None)],
    )


def cycle():
    return make(
        [node("Add", ["x", "b"], ["a"], "first"), node("Neg", ["a"], ["b"], "second")],
        [("x", F32, [4])],
        [("b", F32, [4])],
    )


def undefined():
    return make([node("Add", ["x", "lost"], ["y"], "sum")], [("x", F32, [4])], [("y", F32, [4])])


def duplicate():
    return make(
        [node("Neg", ["x"], ["y"], "one"), node("Abs", ["x"], ["y"], "two")], [("x", F32, [4])], [("y", F32, [4])]
    )


def old():
    return make([node("Neg", ["x"], ["y"])], [("x", F32, [4])], [("y", F32, [4])], opset=6)


def old_clip():
    return make([node("Clip", ["x"], ["y"], min=0.0)], [("x", F32, [4])], [("y", F32, [4])], opset=10)


def overflow():
    """A weight whose sizes have a product of more than 63 bits."""
    model = linear()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 40, 1 << 40])
    return model


def short_data():
    model = linear()
    model.graph.initializer[0].dims[0] = 33
    return model


def float8():
    model = linear()
    model.graph.initializer[0].data_type = TensorProto.FLOAT8E4M3FN
    return model


def recursion():
    """A function that calls itself."""
    body = [helper.make_node("Loop", ["a"], ["b"], domain="own")]
    function = helper.make_function("own", "Loop", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    return make(
        [node("Loop", ["x"], ["y"], "call", domain="own")],
        [("x", F32, [4])],
        [("y", F32, [4])],
        functions=[function],
        domains=["own"],
    )


def huge_result():
    return make(
        [node("Expand", ["x", "target"], ["y"], "blow_up")],
        [("x", F32, [1])],
        [("y", F32, None)],
        [("target", np.array([1 << 31, 1 << 31]))],
    )


def external(location="weights.bin", offset=0, length=None):
    model = linear()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": offset, "length": length or WEIGHT.nbytes}
    for key, value in entries.items():
        weight.external_data.add(key=key, value=str(value))
    return model


def external_missing():
    return external("nowhere.bin")


def external_outside():
    return external("../weights.bin")


def external_absolute():
    return external("/etc/passwd")


def external_past_end():
    return external(offset=8)


def main():
    name, path = sys.argv[1:]
    if name.startswith("external"):
        with open(os.path.join(os.path.dirname(path), "weights.bin"), "wb") as weights:
            weights.write(WEIGHT.tobytes())
    with open(path, "wb") as file:
        file.write(globals()[name]().SerializeToString())


if __name__ == "__main__":
    main()
