# ===- test_dumps.py - A compile can be stopped, read and resumed ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
from __future__ import annotations

from pathlib import Path

import pytest

from harness import SIGNDIGITS, VITC, run_ok

PHASES = ("import", "raise", "fuse", "kernel")


@pytest.fixture(scope="module")
def options(backend: str) -> tuple[str, ...]:
    """One level, as it is the same code for all."""
    return (f"--backend={backend}", "--march=x86-64-v3")


@pytest.fixture(scope="module")
def direct(options: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The program as one compile gives it."""
    path = tmp_path_factory.mktemp("direct") / "program"
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", path, *options)
    return path.read_bytes()


def test_same_compile_same_bytes(program: Path, backend: str, tmp_path: Path) -> None:
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "again", f"--backend={backend}")
    assert (tmp_path / "again").read_bytes() == program.read_bytes()


@pytest.mark.parametrize("phase", PHASES)
def test_resumed_compile_gives_the_same_bytes(
    direct: bytes, options: tuple[str, ...], tmp_path: Path, phase: str
) -> None:
    module, program = tmp_path / "module.mlir", tmp_path / "program"
    run_ok(VITC, "compile", SIGNDIGITS / "model", f"--compile-to={phase}", "-o", module, *options)
    run_ok(VITC, "compile", module, f"--compile-from={phase}", "-o", program, *options)
    assert program.read_bytes() == direct


def test_dump_phases(direct: bytes, options: tuple[str, ...], tmp_path: Path) -> None:
    dumps, program, module = tmp_path / "dumps", tmp_path / "program", tmp_path / "module.mlir"
    run_ok(VITC, "compile", SIGNDIGITS / "model", f"--dump-phases-to={dumps}", "-o", program, *options)
    assert program.read_bytes() == direct
    for phase in PHASES:
        (dump,) = dumps.glob(f"*-{phase}.mlir")
        run_ok(VITC, "compile", SIGNDIGITS / "model", f"--compile-to={phase}", "-o", module, *options)
        assert dump.read_text() == module.read_text()
