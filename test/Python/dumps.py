# ===- dumps.py - Modules to plant miscompiles in ---------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Dumps of a model's phases, edited by the source's names, and what vitc verify says of them."""

from __future__ import annotations

import re
from pathlib import Path

from harness import VITC, run, run_ok


class Dump:
    """The lines of a module, each with the source's name of what it computes."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self._names = dict(re.findall(r'^(#loc\d*) = loc\("([^"]*)"\)$', text, re.MULTILINE))
        # Of fused ops the last names the value.
        for alias, last in re.findall(r"^(#loc\d*) = loc\(fused[^\[]*\[.*?(#loc\d+)\]\)$", text, re.MULTILINE):
            self._names[alias] = self._names[last]

    def name_of(self, line: int) -> str:
        return self._names.get(self.lines[line].rsplit("loc(", 1)[1].rstrip(")"), "")

    def find(self, op: str, name: str) -> int:
        """The only line of a layer with this op."""
        (found,) = (i for i, line in enumerate(self.lines) if f"= {op} " in line and self.name_of(i) == name)
        return found

    def edit(self, op: str, name: str, pattern: str, replacement: str) -> None:
        line = self.find(op, name)
        edited, count = re.subn(pattern, replacement, self.lines[line], count=1)
        assert count == 1 and edited != self.lines[line], self.lines[line]
        self.lines[line] = edited

    def result_of(self, op: str, name: str) -> str:
        return self.lines[self.find(op, name)].split(" = ")[0].strip()

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def mismatch(*command: str | Path) -> str:
    """The one error of a command that ends with 3."""
    result = run(VITC, *command)
    assert result.returncode == 3, f"{result.args}: code {result.returncode}\n{result.stderr}"
    assert result.stdout == ""
    (error,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    return error


def dump(model: str | Path, phase: str, path: Path) -> Dump:
    run_ok(VITC, "compile", model, f"--compile-to={phase}", "-o", path)
    return Dump(path.read_text())
