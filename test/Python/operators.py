# ===- operators.py - The table of ONNX ops in docs/operators.md ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Prints docs/operators.md from what vitc itself says that it imports: python test/Python/operators.py."""

from __future__ import annotations

import re
import tempfile
import textwrap
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import onnx
from onnx import TensorProto, helper

import harness

# What an op has to keep to; checked by the tests of the importer.
LIMITS = {
    "Clip": "from opset 11",
    "Col2Im": "constant sizes",
    "Compress": "as many flags as positions, whose number is fixed",
    "ConvInteger": "windows of at most 258 positions",
    "CumSum": "a constant axis",
    "Dropout": "as in inference",
    "DynamicQuantizeLinear": "a fixed batch",
    "GRU": "up to 4 steps unrolled, more as a loop",
    "If": "a condition computed at run time needs branches of one shape; both are computed",
    "LSTM": "up to 4 steps unrolled, more as a loop",
    "Loop": "as a loop where values keep their types; else unrolled, with a trip count of at most 4096",
    "NonMaxSuppression": "a fixed batch",
    "NonZero": "a fixed batch",
    "Pad": "from opset 11; constant amounts",
    "QLinearConv": "windows of at most 258 positions",
    "RNN": "up to 4 steps unrolled, more as a loop",
    "Range": "constant bounds, or ones made of sizes",
    "Reshape": "sizes that are known but for the batch",
    "Resize": "from opset 11; constant sizes or scales",
    "Scan": "from opset 9; a known length; as a loop where states keep their types; else unrolled, at most 4096 long",
    "ScatterElements": "computed indices: at most 16 along the axis, no reduction",
    "ScatterND": "constant indices",
    "Slice": "from opset 10; constant bounds, ones of sizes or moved by a loop, or a computed end, from 0 by step 1; "
    "or a computed start and an end that is it plus a constant (a crop), which stays inside of the tensor",
    "TopK": "from opset 10; a constant k",
    "com.microsoft:DynamicQuantizeMatMul": "a fixed batch",
    "com.microsoft:GroupQueryAttention": "without keys of an earlier run",
}

HEADER = """# ONNX operators

What vitc imports, written by `python test/Python/operators.py > docs/operators.md` from the list that `vitc` prints
with the error for any other op; a test compares the two. Opset 7 to 28, where a table says nothing else; types are
floats of 16, 32 and 64 bits, integers of 8 to 64 and bool. Sizes, and operands that decide them, must be known but for
the batch. Where an op has other limits the error names its node, what was found and what is needed.
"""

DATA_DEPENDENT = """
`NonMaxSuppression`, `NonZero`, `Compress` and a `Slice` to an end that is computed give tensors whose size depends on
their input's numbers. The program has room for the most there can be, and an output `NAME.count` that says how many
count; NAME.npy has those alone. Ops that keep positions apart may follow them: elementwise ones, `Gather`, `GatherND`,
`Slice`, `Concat`, `Split`, `Squeeze`, `Unsqueeze`, `Transpose`, `Softmax`, `LogSoftmax`, `Reshape` to `[-1, ...]`.
`Unique` is refused.
"""


@cache
def imported_ops() -> tuple[str, ...]:
    """All ops that vitc imports, "domain:name" where the domain is not ONNX's own."""
    node = helper.make_node("NoSuchOp", ["x"], ["y"])
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([node], "g", tensors[:1], tensors[1:])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        result = harness.run(harness.VITC, "compile", path, "--compile-to=import", "-o", "-")
    found = re.search(r"note: imported are: (.*)", result.stderr)
    assert found, result.stderr
    return tuple(found.group(1).split(", "))


def paragraph(ops: Iterable[str]) -> str:
    return textwrap.fill(", ".join(f"`{op}`" for op in ops), 130) + "\n"


def table() -> str:
    standard = [op for op in imported_ops() if ":" not in op]
    contributed = [op for op in imported_ops() if ":" in op]
    lines = [HEADER, "## Standard operators\n"]
    lines.append(paragraph(op for op in standard if op not in LIMITS))
    lines += ["| with limits | |", "|---|---|"]
    lines += [f"| `{op}` | {LIMITS[op]} |" for op in standard if op in LIMITS]
    lines += [DATA_DEPENDENT, "## ONNX Runtime's operators\n"]
    lines.append("Of the domain `com.microsoft`, as ONNX Runtime's optimiser writes them into a file:\n")
    lines.append(paragraph(op.split(":")[1] for op in contributed if op not in LIMITS))
    lines += ["| with limits | |", "|---|---|"]
    lines += [f"| `{op.split(':')[1]}` | {LIMITS[op]} |" for op in contributed if op in LIMITS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
