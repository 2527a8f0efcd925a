# ===- test_memory.py - What a program and its run take --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""No allocation in a run, resident memory against the plan, and the sizes that vitc prints."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from harness import BUILD, VITC, run, run_ok

MIB = 2**20
MODELS = ["zoo:vit-ti", "zoo:swin?dim=48,depths=2-2,heads=3-6", "zoo:linformer?depth=2", "zoo:hybrid?depth=2"]

# A program's peak counts the pages of the process that starts it: a bare Python has few.
PEAK = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Sizes(NamedTuple):
    """What vitc prints, in bytes."""

    code: dict[str, float]
    weights: float
    arena: float
    arena_per_image: float


def compile_model(model: str | Path, out: Path, *options: str) -> Sizes:
    result = run(VITC, "compile", model, "-o", out, *options)
    assert result.returncode == 0, result.stderr
    match = re.fullmatch(
        r"code (?P<code>.*); weights (?P<weights>\S+) MB; "
        r"arena (?:(?P<base>\S+) MB)?(?: \+ )?(?:(?P<image>\S+) MB an image)?\n",
        result.stderr,
    )
    assert match, result.stderr
    code = {isa: float(size) * 1e6 for size, isa in re.findall(r"(\S+) MB (x86-64-v\d)", match["code"])}
    weights, arena, image = (float(match[name] or 0) * 1e6 for name in ("weights", "base", "image"))
    return Sizes(code, weights, arena, image)


@pytest.mark.parametrize("model", MODELS)
def test_no_allocation_in_a_run(model: str, tmp_path: Path) -> None:
    library = tmp_path / "model.so"
    compile_model(model, library, "--march=native")
    for threads, batch in ((1, 1), (3, 2)):
        counts = run_ok(BUILD / "bin" / "count-allocations", library, str(threads), str(batch), "3").split()
        assert counts == ["0", "0", "0"]


def test_allocations_are_counted(tmp_path: Path, library: Path, backend: str) -> None:
    """oneDNN makes its primitives when a batch size first runs, and only then."""
    first, *later = run_ok(BUILD / "bin" / "count-allocations", library, "1", "1", "3").split()
    assert (int(first) > 0) == (backend == "onednn")
    if backend == "llvm":
        assert later == ["0", "0"]


@pytest.mark.parametrize("model", MODELS)
def test_resident_memory(model: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    sizes = compile_model(model, program)
    (tensor,) = json.loads(run_ok(program, "--info", "--json"))["inputs"]
    for batch in (1, 4):
        shape = [batch if size == "batch" else size for size in tensor["shape"]]
        np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
        peak = 1024 * int(
            run_ok(
                *(sys.executable, "-I", "-S", "-c", PEAK, program, "--input", tmp_path / "x.npy"),
                *("--output-dir", tmp_path / "out", "--threads", "2"),
            )
        )
        assert peak <= sizes.weights + sizes.arena + batch * sizes.arena_per_image + 32 * MIB


def test_sizes_are_printed(tmp_path: Path) -> None:
    program = tmp_path / "program"
    sizes = compile_model("zoo:vit-ti", program)
    info = json.loads(run_ok(program, "--info", "--json"))
    assert list(sizes.code) == ["x86-64-v4", "x86-64-v3", "x86-64-v2"]
    assert sum(sizes.code.values()) == pytest.approx(info["code_bytes"], abs=2e3)
    assert sizes.weights == pytest.approx(info["weight_bytes"], abs=1e3)
    assert sizes.arena + sizes.arena_per_image == pytest.approx(info["arena_bytes"], abs=1e3)


@pytest.mark.slow
def test_code_of_vit_b(tmp_path: Path) -> None:
    program = tmp_path / "program"
    sizes = compile_model("zoo:vit-b", program)
    program.unlink()  # 350 MB
    assert max(sizes.code.values()) <= 256 * 1024


def test_a_process_loads_many_models(tmp_path: Path) -> None:
    """What a library keeps for each thread must not come from the little that the C library sets aside."""
    library = tmp_path / "model.so"
    compile_model("zoo:vit?dim=32,depth=1,heads=2,patch=8,image=16,classes=3", library, "--march=native")
    copies = [shutil.copy(library, tmp_path / f"{i}.so") for i in range(200)]
    models = [ctypes.CDLL(os.fspath(copy)) for copy in copies]
    models[-1].vitc_version.restype = ctypes.c_char_p
    assert re.fullmatch(rb"\d+\.\d+\.\d+", models[-1].vitc_version())


@pytest.mark.parametrize(("width", "alignment"), [(192, 4096), (384, 2 * MIB)])
def test_large_weights_begin_on_a_huge_page(width: int, alignment: int, tmp_path: Path) -> None:
    """In memory and in the file, whose segment says so: the system can map them by such pages."""
    model = f"zoo:vit?dim={width},depth=3,heads=3,patch=16,image=224,classes=10"
    compile_model(model, tmp_path / "program")
    sections, segments = (run_ok("readelf", option, "-W", tmp_path / "program") for option in ("-S", "-l"))
    address, offset = re.search(r"\.lrodata\S*\s+PROGBITS\s+([0-9a-f]+) ([0-9a-f]+)", sections).groups()
    assert int(address, 16) % alignment == int(offset, 16) % alignment == 0
    aligned = max(int(line.split()[-1], 16) for line in segments.splitlines() if line.split()[:1] == ["LOAD"])
    assert aligned == alignment


def test_large_weights_are_loaded_by_vitc(tmp_path: Path) -> None:
    """vitc's own process gives them memory by pages of its own choice."""
    shape = (1, 3, 224, 224)
    np.save(tmp_path / "x.npy", np.ones(shape, np.float32))
    model = "zoo:vit?dim=384,depth=3,heads=3,patch=16,image=224,classes=10"
    run_ok(VITC, "run", model, "--input", tmp_path / "x.npy", "--output-dir", tmp_path / "out")
    assert np.isfinite(np.load(next((tmp_path / "out").glob("*.npy")))).all()
