# ===- flops.py - Floating point operations of a model --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Counts the operations of the products of an ONNX file: two for each multiply-add, nothing for all else.

Exporters compute shapes in the graph, which shape inference does not follow; so ONNX Runtime runs the model once and
says the shapes of the products' operands.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

PRODUCTS = {"Conv", "Einsum", "Gemm", "MatMul"}
# Nodes that have products in them, and would be counted as none.
NOT_COUNTED = {"Attention", "ConvTranspose", "GRU", "If", "LSTM", "Loop", "RNN", "Scan"}
Shapes = dict[str, list[int]]


def count_einsum(equation: str, shapes: list[list[int]]) -> int:
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != 2 or "." in equation:
        raise ValueError(f"Einsum '{equation}' is not counted; two operands without '...' are needed")
    extents = {label: extent for term, shape in zip(terms, shapes) for label, extent in zip(term, shape)}
    return 2 * math.prod(extents.values())


def count_node(node, shapes: Shapes) -> int:
    """Operations of an onnx.NodeProto of PRODUCTS."""
    operands = [shapes[name] for name in node.input if name]
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type == "Einsum":
        return count_einsum(attributes["equation"].s.decode(), operands)
    if node.op_type == "MatMul":
        depth = operands[0][-1]
    elif node.op_type == "Gemm":
        depth = operands[0][0 if "transA" in attributes and attributes["transA"].i else 1]
    else:
        depth = math.prod(operands[1][1:])
    return 2 * depth * math.prod(shapes[node.output[0]])


def run_for_shapes(model, names: list[str], feeds: dict[str, np.ndarray]) -> Shapes:
    """The shapes of tensors of an onnx.ModelProto in a run."""
    import onnx
    import onnxruntime

    del model.graph.output[:]
    for number, name in enumerate(names):
        output = f"vitc_shape_{number}"
        model.graph.node.append(onnx.helper.make_node("Shape", [name], [output]))
        model.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.INT64, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory(prefix="vitc-shapes-") as folder:
        path = Path(folder) / "model.onnx"
        onnx.save_model(model, path, save_as_external_data=True, location="model.data")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return dict(zip(names, (shape.tolist() for shape in session.run(None, feeds))))


def of_onnx(path: Path, feeds: dict[str, np.ndarray]) -> int:
    """Operations of a model's products on inputs by name.

    Raises:
        ValueError: a node has products that are not counted.
    """
    import onnx

    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type in NOT_COUNTED or node.domain not in ("", "ai.onnx"):
            raise ValueError(
                f"{path}: the operations of node '{node.name}', a {node.domain or 'ai.onnx'}.{node.op_type}, are not "
                f"counted; nodes of the standard with products of {', '.join(sorted(PRODUCTS))} are needed"
            )
    products = [node for node in model.graph.node if node.op_type in PRODUCTS]
    names = dict.fromkeys(name for node in products for name in (*node.input, node.output[0]) if name)
    shapes = run_for_shapes(model, list(names), feeds)
    return sum(count_node(node, shapes) for node in products)
