# ===- test_assembly.py - What the inner loops of kernels look like -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The accumulators of a product stay in registers: no innermost loop that multiplies touches the stack."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import VITC, run_ok

# Of a level: what multiplies and adds vectors, what lies on the stack, and the most accumulators of a tile.
LEVELS = {
    "armv8-a": ("aarch64-linux-gnu", r"\tfmla\t", r"\[sp", 24),
    "x86-64-v4": ("x86_64-linux-gnu", r"\tvfmadd.*%zmm", r"\(%rsp", 24),
}
MODEL = "zoo:vit?dim=192,depth=1,heads=3,patch=16,image=224,classes=1000"


def functions(assembly: str) -> dict[str, list[str]]:
    """The lines of each kernel, by its name."""
    result: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in assembly.splitlines():
        if name := re.match(r"((?:gemm|attention)_\w+):", line):
            lines = result[name[1]] = []
        lines.append(line)
    return result


def innermost_loops(lines: list[str]) -> list[list[str]]:
    """The lines between each label and a jump back to it that hold no other such pair."""
    labels = {label[1]: i for i, line in enumerate(lines) if (label := re.match(r"(\.LBB\w+):", line))}
    loops = []
    for end, line in enumerate(lines):
        jump = re.match(r"\t(?:b\S*|cbn?z|tbn?z|j\w+)\t.*?(\.LBB\w+)$", line)
        if jump and labels.get(jump[1], end) < end:
            loops.append((labels[jump[1]], end))
    return [
        lines[begin : end + 1]
        for begin, end in loops
        if not any((begin, end) != other and begin <= other[0] and other[1] <= end for other in loops)
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_products_stay_in_registers(level: str, tmp_path: Path) -> None:
    target, multiply, stack, accumulators = LEVELS[level]
    output = tmp_path / "model.s"
    run_ok(VITC, "compile", MODEL, f"--target={target}", f"--march={level}", "-o", output)
    kernels = functions(output.read_text())
    full = {"gemm": 0, "attention": 0}
    for name, lines in kernels.items():
        for loop in innermost_loops(lines):
            multiplications = sum(bool(re.search(multiply, line)) for line in loop)
            if multiplications == 0:
                continue
            touched = [line for line in loop if re.search(stack, line)]
            assert not touched, f"{name}: {touched[0].strip()} beside {multiplications} multiplications"
            full[name.split("_")[0]] += multiplications >= accumulators
    assert full["gemm"] > 0
    assert full["attention"] > 0
