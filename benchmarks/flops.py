# ===- flops.py - Floating point operations of a model --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Counts the floating point operations of products: two for each multiply-add, nothing for all else.

of_onnx counts what a model file asks for, of_kernels what vitc's program computes. They differ where vitc leaves out
rows that nothing reads: with a classifier on the class token, most of the last block.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

# Ops of the kernel dialect that compute no products. attention_map is in the entry for attention maps only.
WITHOUT_PRODUCTS = {"batch", "buffer", "constant", "gather", "generic", "mean", "norm", "yield"}


def input_shape(path: Path) -> list[int]:
    """The extents of a model's first input, which must be fixed."""
    import onnx

    dims = onnx.load(path, load_external_data=False).graph.input[0].type.tensor_type.shape.dim
    return [dim.dim_value for dim in dims]


def of_onnx(path: Path) -> int:
    """Operations of the MatMul, Gemm and Conv nodes of a model whose shapes are all known.

    Raises:
        ValueError: the shape of an operand of such a node is not known.
    """
    import onnx
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(onnx.load(path), data_prop=True).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = [dim.dim_value for dim in dims]

    def shape(name: str) -> list[int]:
        if name not in shapes:
            raise ValueError(f"the shape of tensor '{name}' is not known; a fixed one is needed to count operations")
        return shapes[name]

    total = 0
    for node in graph.node:
        if node.op_type == "MatMul":
            depth = shape(node.input[0])[-1]
        elif node.op_type == "Gemm":
            transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
            depth = shape(node.input[0])[0 if transposed else 1]
        elif node.op_type == "Conv":
            depth = math.prod(shape(node.input[1])[1:])
        else:
            continue
        total += 2 * depth * math.prod(shape(node.output[0]))
    return total


def of_kernels(text: str) -> int:
    """Operations of the entry @forward of a module in the phase `kernel`, compiled for a fixed batch.

    Raises:
        ValueError: it has no @forward, or an op or an extent that this function does not know.
    """
    entry = re.search(r"^( *)func\.func @forward\b.*?^\1}", text, re.MULTILINE | re.DOTALL)
    if not entry:
        raise ValueError("the module has no func.func @forward; the phase kernel has one")
    constants = {name: int(value) for name, value in re.findall(r"(%\w+) = arith\.constant (\d+) : index", entry[0])}

    def extent(line: str, name: str) -> int:
        match = re.search(rf"\b{name}(?:\((%\w+)\)| (\d+))", line)
        if not match or (match[1] and match[1] not in constants):
            raise ValueError(f"'{line.strip()[:60]}...' has no constant {name}; one is needed to count operations")
        return constants[match[1]] if match[1] else int(match[2])

    total = 0
    for op, line in re.findall(r"\bkernel\.(\w+)( .*)", re.sub(r"^.*", "", entry[0], count=1)):
        if op == "gemm":
            sizes = [extent(line, name) for name in ("batch", "rows", "n", "k")]
            total += 2 * math.prod(sizes)
        elif op == "attention":
            sizes = [extent(line, name) for name in ("batch", "queries", "keys", "heads")]
            total += 2 * math.prod(sizes) * (extent(line, "head_dim") + extent(line, "value_dim"))
        elif op not in WITHOUT_PRODUCTS:
            raise ValueError(f"op 'kernel.{op}' is not one whose operations are counted; benchmarks/flops.py needs it")
    return total
