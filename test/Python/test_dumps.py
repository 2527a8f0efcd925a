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
def direct(backend: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The program as one compile gives it."""
    path = tmp_path_factory.mktemp("direct") / "program"
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", path, f"--backend={backend}")
    return path.read_bytes()


def test_same_compile_same_bytes(direct: bytes, backend: str, tmp_path: Path) -> None:
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "program", f"--backend={backend}")
    assert (tmp_path / "program").read_bytes() == direct


@pytest.mark.parametrize("phase", PHASES)
def test_resumed_compile_gives_the_same_bytes(direct: bytes, backend: str, tmp_path: Path, phase: str) -> None:
    module, program = tmp_path / "module.mlir", tmp_path / "program"
    run_ok(VITC, "compile", SIGNDIGITS / "model", f"--compile-to={phase}", "-o", module, f"--backend={backend}")
    run_ok(VITC, "compile", module, f"--compile-from={phase}", "-o", program, f"--backend={backend}")
    assert program.read_bytes() == direct


def test_dump_phases(direct: bytes, backend: str, tmp_path: Path) -> None:
    dumps, program, module = tmp_path / "dumps", tmp_path / "program", tmp_path / "module.mlir"
    options = ("compile", SIGNDIGITS / "model", f"--backend={backend}")
    run_ok(VITC, *options, f"--dump-phases-to={dumps}", "-o", program)
    assert program.read_bytes() == direct
    for phase in PHASES:
        (dump,) = dumps.glob(f"*-{phase}.mlir")
        run_ok(VITC, *options, f"--compile-to={phase}", "-o", module)
        assert dump.read_text() == module.read_text()
