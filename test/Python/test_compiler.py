# ===- test_compiler.py - The command line of vitc ------------------------===#
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

MODEL = SIGNDIGITS / "model"
ONE_LEVEL = "--march=x86-64-v3"  # Compiles in a third of the time.


def test_version_names_llvm() -> None:
    assert "LLVM 22." in run_ok(VITC, "--version")


def test_doctor() -> None:
    assert str(VITC.parents[1]) in run_ok(VITC, "doctor")


def test_compile_is_the_default_verb(tmp_path: Path) -> None:
    run_ok(VITC, "compile", MODEL, "-o", tmp_path / "long", ONE_LEVEL)
    run_ok(VITC, MODEL, "-o", tmp_path / "short", ONE_LEVEL)
    assert (tmp_path / "long").read_bytes() == (tmp_path / "short").read_bytes()


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("so", b"\x7fELF"), ("o", b"\x7fELF"), ("ll", b"; ModuleID"), ("s", b"\t.file"), ("mlir", b"")],
)
def test_suffix_picks_the_form(tmp_path: Path, suffix: str, start: bytes) -> None:
    by_suffix, by_option = tmp_path / f"model.{suffix}", tmp_path / "model"
    run_ok(VITC, "compile", MODEL, "-o", by_suffix, ONE_LEVEL)
    run_ok(VITC, "compile", MODEL, "-o", by_option, ONE_LEVEL, f"--emit={suffix}")
    assert by_suffix.read_bytes() == by_option.read_bytes()
    assert by_suffix.read_bytes().startswith(start)


@pytest.mark.parametrize("level", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_march_leaves_one_level(tmp_path: Path, level: str) -> None:
    run_ok(VITC, "compile", MODEL, "-o", tmp_path / "program", f"--march={level}")
    info = run_ok(tmp_path / "program", "--info", "--json")
    assert f'"isa_levels":["{level}"]' in "".join(info.split())


def test_module_on_stdout() -> None:
    text = run_ok(VITC, "compile", MODEL, "--compile-to=import", "-o", "-")
    assert "vit.attention" in text
    assert "vit.encoder.layer.3.attention.attention.query.weight" in text


def test_programs_need_only_libc_and_libm(program: Path) -> None:
    needed = {
        line.split("[")[1].rstrip("]") for line in run_ok("readelf", "-d", program).splitlines() if "(NEEDED)" in line
    }
    assert {name.split(".so")[0] for name in needed} <= {"libc", "libm", "ld-linux-x86-64"}
