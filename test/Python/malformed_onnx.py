# ===- malformed_onnx.py - Broken and hostile ONNX files -------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""ONNX files, and .npy files for --constant, that must be refused, by name.

Each function takes a folder, writes files there, and returns the command line behind `vitc inspect` and what the one
error line says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Case = Callable[[Path], tuple[list, str]]
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
WEIGHT = np.arange(32 * 16, dtype=np.float32).reshape(32, 16) / 100
ONNX: dict[str, Case] = {}


def collect(case: Case) -> Case:
    ONNX[case.__name__] = case
    return case


def make(nodes: list, inputs: list, outputs: list, weights: dict[str, np.ndarray] | None = None) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def linear() -> onnx.ModelProto:
    """x [batch, 32] times w [32, 16]."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    return make([node], [("x", FLOAT, ["batch", 32])], [("y", FLOAT, ["batch", 16])], {"w": WEIGHT})


def save(folder: Path, model: onnx.ModelProto | bytes) -> list:
    path = folder / "model.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return [path]


def unary(folder: Path, op: str, shape: list, weights: dict[str, np.ndarray] | None = None, **attributes) -> list:
    """One node on x and the weights."""
    node = helper.make_node(op, ["x", *(weights or {})], ["y"], name="node", **attributes)
    return save(folder, make([node], [("x", FLOAT, shape)], [("y", FLOAT, None)], weights))


def external(folder: Path, size: int = 2048, **entries: object) -> list:
    """The linear model with its weight in weights.bin of `size` bytes."""
    model = linear()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in ({"location": "weights.bin"} | entries).items():
        weight.external_data.add(key=key, value=str(value))
    (folder / "weights.bin").write_bytes(bytes(size))
    return save(folder, model)


def truncated(kept: int) -> Case:
    def case(folder: Path) -> tuple[list, str]:
        return save(folder, linear().SerializeToString()[:kept]), "is not an ONNX model"

    return case


# In the header, in the node, in the weight's data, and one byte short.
for _kept in (0, 1, 3, 20, 60, 500, 2000, len(linear().SerializeToString()) - 1):
    ONNX[f"truncated_to_{_kept}"] = truncated(_kept)


@collect
def text(folder: Path) -> tuple[list, str]:
    return save(folder, b"this is no model\n" * 100), "is not an ONNX model"


@collect
def length_of_2_to_63(folder: Path) -> tuple[list, str]:
    return save(folder, b"\x3a" + b"\xff" * 8 + b"\x7f" + bytes(100)), "is not an ONNX model"


@collect
def varint_without_end(folder: Path) -> tuple[list, str]:
    return save(folder, b"\xff" * 1000), "is not an ONNX model"


@collect
def no_graph(folder: Path) -> tuple[list, str]:
    model = linear()
    model.ClearField("graph")
    return save(folder, model), "it has no graph"


@collect
def no_nodes_and_no_outputs(folder: Path) -> tuple[list, str]:
    return save(folder, make([], [("x", FLOAT, [4])], [])), "has no outputs"


@collect
def output_that_nothing_makes(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.output[0].name = "z"
    return save(folder, model), "output 'z' is made by no node, input or initializer"


@collect
def input_that_nothing_makes(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.node[0].input[1] = "lost"
    return save(folder, model), "has input 'lost', which no node, input or initializer makes"


@collect
def cycle_of_two(folder: Path) -> tuple[list, str]:
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="first"),
        helper.make_node("Neg", ["a"], ["b"], name="second"),
    ]
    return save(folder, make(nodes, [("x", FLOAT, [4])], [("b", FLOAT, [4])])), "the graph has a cycle"


@collect
def cycle_of_100000(folder: Path) -> tuple[list, str]:
    count = 100_000
    nodes = [helper.make_node("Neg", [f"v{i}"], [f"v{(i + 1) % count}"]) for i in range(count)]
    return save(folder, make(nodes, [], [("v0", FLOAT, [4])])), "the graph has a cycle"


@collect
def node_that_reads_its_result(folder: Path) -> tuple[list, str]:
    node = helper.make_node("Neg", ["y"], ["y"], name="own")
    return save(folder, make([node], [], [("y", FLOAT, [4])])), "the graph has a cycle"


@collect
def two_nodes_make_one_value(folder: Path) -> tuple[list, str]:
    nodes = [helper.make_node(op, ["x"], ["y"], name=op) for op in ("Neg", "Abs")]
    return save(folder, make(nodes, [("x", FLOAT, [4])], [("y", FLOAT, [4])])), "both make 'y'"


@collect
def two_inputs_of_one_name(folder: Path) -> tuple[list, str]:
    node = helper.make_node("Neg", ["x"], ["y"])
    model = make([node], [("x", FLOAT, [4]), ("x", FLOAT, [5])], [("y", FLOAT, [4])])
    return save(folder, model), "has two inputs named 'x'"


@collect
def two_outputs_of_one_name(folder: Path) -> tuple[list, str]:
    node = helper.make_node("Neg", ["x"], ["y"])
    model = make([node], [("x", FLOAT, [4])], [("y", FLOAT, [4]), ("y", FLOAT, [4])])
    return save(folder, model), "has two outputs named 'y'"


@collect
def opset_of_the_future(folder: Path) -> tuple[list, str]:
    model = linear()
    model.opset_import[0].version = 1 << 40
    return save(folder, model), f"has opset {1 << 40}; vitc reads opset 7 to 28"


@collect
def no_opset(folder: Path) -> tuple[list, str]:
    model = linear()
    del model.opset_import[:]
    return save(folder, model), "imports no version of the standard operators"


@collect
def weight_of_overflowing_shape(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]
    return save(folder, model), "tensor 'w'"


@collect
def weight_of_a_negative_size(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.initializer[0].dims[:] = [-32, -16]
    return save(folder, model), "tensor 'w'"


@collect
def weight_of_more_elements_than_data(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.initializer[0].dims[:] = [1000, 1000, 1000]
    return save(folder, model), "tensor 'w'"


@collect
def weight_of_an_unknown_type(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.initializer[0].data_type = 999
    return save(folder, model), "tensor 'w'"


@collect
def weight_of_strings(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.initializer[0].CopyFrom(
        TensorProto(name="w", dims=[1], data_type=TensorProto.STRING, string_data=[b"a"])
    )
    return save(folder, model), "tensor 'w'"


@collect
def weight_in_two_fields(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.initializer[0].float_data.extend([1.0] * 600)
    return save(folder, model), "tensor 'w'"


@collect
def weight_that_is_missing(folder: Path) -> tuple[list, str]:
    model = linear()
    del model.graph.initializer[:]
    return save(folder, model), "has input 'w', which no node"


@collect
def input_of_overflowing_shape(folder: Path) -> tuple[list, str]:
    return unary(folder, "Neg", [1 << 31, 1 << 31, 1 << 31]), "input 'x' has shape"


@collect
def input_of_10_to_the_10_elements(folder: Path) -> tuple[list, str]:
    return unary(folder, "Softmax", [100_000, 100_000]), "input 'x' has shape"


@collect
def input_of_strings(folder: Path) -> tuple[list, str]:
    node = helper.make_node("Identity", ["x"], ["y"])
    model = make([node], [("x", TensorProto.STRING, [4])], [("y", TensorProto.STRING, [4])])
    return save(folder, model), "input 'x' has type STRING"


@collect
def input_without_a_shape(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    return save(folder, model), "input 'x' has no shape"


@collect
def input_that_is_a_sequence(folder: Path) -> tuple[list, str]:
    model = linear()
    model.graph.input[0].type.CopyFrom(helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, [4])))
    return save(folder, model), "input 'x' is not a tensor"


@collect
def expand_to_2_to_62_elements(folder: Path) -> tuple[list, str]:
    return unary(folder, "Expand", [1], {"s": np.array([1 << 31, 1 << 31])}), "node 'node' (Expand)"


@collect
def constant_of_10_to_the_18_elements(folder: Path) -> tuple[list, str]:
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["c"], name="fill"),
        helper.make_node("Add", ["x", "c"], ["y"], name="sum"),
    ]
    model = make(nodes, [("x", FLOAT, [1])], [("y", FLOAT, None)], {"s": np.array([10**9, 10**9])})
    return save(folder, model), "node 'fill' (ConstantOfShape)"


@collect
def range_without_end(folder: Path) -> tuple[list, str]:
    bounds = {"b": np.array(0), "e": np.array(1 << 62), "d": np.array(1)}
    node = helper.make_node("Range", list(bounds), ["y"], name="count")
    return save(folder, make([node], [], [("y", INT64, None)], bounds)), "node 'count' (Range)"


@collect
def tile_of_2_to_60(folder: Path) -> tuple[list, str]:
    return unary(folder, "Tile", [4, 4], {"r": np.array([1 << 30, 1 << 30])}), "node 'node' (Tile)"


@collect
def pads_of_2_to_40(folder: Path) -> tuple[list, str]:
    return unary(folder, "Pad", [4, 4], {"p": np.array([1 << 40] * 4)}), "node 'node' (Pad)"


@collect
def reshape_to_another_count(folder: Path) -> tuple[list, str]:
    return unary(folder, "Reshape", [4, 4], {"s": np.array([5, 5])}), "node 'node' (Reshape)"


@collect
def reshape_to_overflowing_sizes(folder: Path) -> tuple[list, str]:
    return unary(folder, "Reshape", [4, 4], {"s": np.array([1 << 62, 1 << 62])}), "node 'node' (Reshape)"


@collect
def transpose_that_repeats_a_dimension(folder: Path) -> tuple[list, str]:
    return unary(folder, "Transpose", [4, 4], perm=[0, 0]), "node 'node' (Transpose)"


@collect
def axis_outside_of_the_rank(folder: Path) -> tuple[list, str]:
    return unary(folder, "Softmax", [4, 4], axis=1 << 40), "node 'node' (Softmax)"


@collect
def attribute_of_another_type(folder: Path) -> tuple[list, str]:
    return unary(folder, "Softmax", [4, 4], axis="last"), "node 'node' (Softmax)"


@collect
def functions_of_one_name(folder: Path) -> tuple[list, str]:
    model = linear()
    body = [helper.make_node("Neg", ["a"], ["b"])]
    model.functions.extend([helper.make_function("own", "Minus", ["a"], ["b"], body, model.opset_import)] * 2)
    return save(folder, model), "has two functions named 'Minus' of domain 'own' and overload ''"


@collect
def index_outside_of_the_data(folder: Path) -> tuple[list, str]:
    return unary(folder, "Gather", [4, 4], {"i": np.array([7])}), "node 'node' (Gather)"


@collect
def convolution_with_stride_0(folder: Path) -> tuple[list, str]:
    weights = {"w": np.zeros((4, 3, 2, 2), np.float32)}
    return unary(folder, "Conv", [1, 3, 8, 8], weights, strides=[0, 0]), "node 'node' (Conv)"


@collect
def convolution_larger_than_its_input(folder: Path) -> tuple[list, str]:
    weights = {"w": np.zeros((4, 3, 9, 9), np.float32)}
    return unary(folder, "Conv", [1, 3, 8, 8], weights), "node 'node' (Conv)"


@collect
def convolution_of_0_groups(folder: Path) -> tuple[list, str]:
    weights = {"w": np.zeros((4, 3, 2, 2), np.float32)}
    return unary(folder, "Conv", [1, 3, 8, 8], weights, group=0), "node 'node' (Conv)"


@collect
def product_of_sizes_that_differ(folder: Path) -> tuple[list, str]:
    return unary(folder, "MatMul", [4, 5], {"w": WEIGHT}), "node 'node' (MatMul)"


@collect
def addition_of_sizes_that_differ(folder: Path) -> tuple[list, str]:
    return unary(folder, "Add", [4, 5], {"w": WEIGHT}), "node 'node' (Add)"


@collect
def addition_without_operands(folder: Path) -> tuple[list, str]:
    node = helper.make_node("Add", [], ["y"], name="node")
    return save(folder, make([node], [], [("y", FLOAT, None)])), "node 'node' (Add)"


@collect
def split_into_more_than_there_is(folder: Path) -> tuple[list, str]:
    return unary(folder, "Split", [4, 4], {"s": np.array([3, 3])}), "node 'node' (Split)"


@collect
def resize_to_2_to_40(folder: Path) -> tuple[list, str]:
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], name="node", mode="linear")
    sizes = {"s": np.array([1, 3, 1 << 40, 1 << 40])}
    return save(folder, make([node], [("x", FLOAT, [1, 3, 8, 8])], [("y", FLOAT, None)], sizes)), "node 'node' (Resize)"


@collect
def einsum_of_no_equation(folder: Path) -> tuple[list, str]:
    return unary(folder, "Einsum", [4, 4], equation="ij->->k(("), "node 'node' (Einsum)"


@collect
def function_that_calls_itself(folder: Path) -> tuple[list, str]:
    body = [helper.make_node("Again", ["a"], ["b"], domain="own")]
    function = helper.make_function("own", "Again", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    node = helper.make_node("Again", ["x"], ["y"], domain="own", name="call")
    model = make([node], [("x", FLOAT, [4])], [("y", FLOAT, [4])])
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    return save(folder, model), "calls functions deeper than 64 levels"


@collect
def functions_that_double_60_times(folder: Path) -> tuple[list, str]:
    """2 ** 60 nodes of 61 functions."""
    model = make(
        [helper.make_node("F60", ["x"], ["y"], domain="own", name="call")], [("x", FLOAT, [4])], [("y", FLOAT, [4])]
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    model.functions.append(
        helper.make_function("own", "F0", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], opsets)
    )
    for i in range(1, 61):
        body = [helper.make_node(f"F{i - 1}", [a], [b], domain="own") for a, b in (("a", "m"), ("m", "b"))]
        model.functions.append(helper.make_function("own", f"F{i}", ["a"], ["b"], body, opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    return save(folder, model), "has more than 1048576 nodes, counting calls of functions"


@collect
def graphs_500_deep(folder: Path) -> tuple[list, str]:
    """If in If; encoded by hand, as protobuf's own writer recurses."""

    def field(number: int, content: bytes) -> bytes:
        size, length = len(content), b""
        while size > 0x7F:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    graph = field(2, b"inner")
    for _ in range(500):
        attribute = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(4, b"If") + field(5, attribute))
    return save(folder, field(8, b"\x10\x12") + field(7, graph)), "nests graphs deeper than 20 levels"


@collect
def millions_of_empty_nodes(folder: Path) -> tuple[list, str]:
    graph = b"\x0a\x00" * 5_000_000
    size = len(graph)
    length = b"".join(bytes([size >> shift & 0x7F | 0x80]) for shift in (0, 7, 14)) + bytes([size >> 21])
    return save(folder, b"\x42\x02\x10\x12\x3a" + length + graph), "has more than 4194304 nodes, attributes and tensors"


@collect
def all_unsupported_ops(folder: Path) -> tuple[list, str]:
    nodes = [helper.make_node(op, ["x"], [op.lower()], name=op.lower()) for op in ("Unique", "Det")]
    model = make(nodes, [("x", FLOAT, [4, 4])], [("det", FLOAT, None), ("unique", FLOAT, None)])
    reason = "the size of its result depends on data"
    return save(folder, model), f"Det x1 ('det'), Unique x1 ('unique'; {reason})"


@collect
def external_file_is_missing(folder: Path) -> tuple[list, str]:
    return external(folder, location="nowhere.bin"), "'nowhere.bin', which is not in the model's folder"


@collect
def external_file_outside(folder: Path) -> tuple[list, str]:
    return external(folder, location="../../etc/passwd"), "needs a path inside of the model's folder"


@collect
def external_file_behind_a_folder(folder: Path) -> tuple[list, str]:
    return external(folder, location="a/../../weights.bin"), "needs a path inside of the model's folder"


@collect
def external_file_is_absolute(folder: Path) -> tuple[list, str]:
    return external(folder, location="/dev/zero"), "needs a path inside of the model's folder"


@collect
def external_file_is_the_folder(folder: Path) -> tuple[list, str]:
    return external(folder, location="."), "tensor 'w'"


@collect
def external_offset_past_the_end(folder: Path) -> tuple[list, str]:
    return external(folder, offset=4096, length=2048), "has 2048 bytes at offset 4096 of 'weights.bin'"


@collect
def external_offset_of_2_to_64(folder: Path) -> tuple[list, str]:
    return external(folder, offset=1 << 64), "has external offset"


@collect
def external_range_that_overflows(folder: Path) -> tuple[list, str]:
    return external(folder, offset=(1 << 64) - 8, length=2048), "of 'weights.bin', which has 2048 bytes"


@collect
def external_offset_is_negative(folder: Path) -> tuple[list, str]:
    return external(folder, offset=-8), "has external offset '-8'"


@collect
def external_length_too_short(folder: Path) -> tuple[list, str]:
    return external(folder, offset=0, length=100), "tensor 'w'"


@collect
def external_file_is_cut_off(folder: Path) -> tuple[list, str]:
    return external(folder, size=2047), "tensor 'w' has 2048 bytes at offset 0"


# ===----------------------------------------------------------------------===#
# .npy, for --constant
# ===----------------------------------------------------------------------===#

NPY: dict[str, Case] = {}


def npy_case(message: str, content: bytes) -> Case:
    """A product with a second input that --constant gives."""

    def case(folder: Path) -> tuple[list, str]:
        node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
        inputs = [("x", FLOAT, [4, 32]), ("w", FLOAT, [32, 16])]
        path = folder / "w.npy"
        path.write_bytes(content)
        return [*save(folder, make([node], inputs, [("y", FLOAT, [4, 16])])), "--constant", f"w={path}"], message

    return case


def npy(header: str, data: bytes = b"", length: int | None = None) -> bytes:
    content = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content) if length is None else length) + content + data


def npy_header(descr: str = "<f4", fortran: str = "False", shape: str = "(32, 16)") -> str:
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"


NPY |= {
    "empty": npy_case("is not a .npy file", b""),
    "text": npy_case("is not a .npy file", b"1, 2, 3"),
    "magic_alone": npy_case("is not a .npy file", b"\x93NUMPY"),
    "header_is_cut_off": npy_case("is cut off", npy("{'descr': ", length=1000)),
    "header_is_empty": npy_case("has a header that does not parse", npy("{}   ")),
    "elements_are_cut_off": npy_case("bytes of elements", npy(npy_header(), WEIGHT.tobytes()[:-1])),
    "elements_are_too_many": npy_case("bytes of elements", npy(npy_header(), WEIGHT.tobytes() + b"0")),
    "elements_are_objects": npy_case("has elements of type '|O'", npy(npy_header("|O"), bytes(2048))),
    "elements_are_big_endian": npy_case("has elements of type '>f4'", npy(npy_header(">f4"), bytes(2048))),
    "fortran_order": npy_case("is in Fortran order", npy(npy_header(fortran="True"), bytes(2048))),
    "shape_overflows": npy_case(
        "needs sizes whose product has 63 bits", npy(npy_header(shape=f"({1 << 40}, {1 << 40})"), bytes(2048))
    ),
    "shape_is_negative": npy_case("has a header that does not parse", npy(npy_header(shape="(-32, -16)"), bytes(2048))),
    "shape_of_10_to_the_9": npy_case("bytes of elements", npy(npy_header(shape=f"({10**9},)"), bytes(2048))),
    "shape_is_another": npy_case("input 'w' is a", npy(npy_header(shape="(16, 32)"), bytes(2048))),
    "type_is_another": npy_case("input 'w' is a", npy(npy_header("<i4"), bytes(2048))),
}
