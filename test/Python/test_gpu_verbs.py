# ===- test_gpu_verbs.py - Verbs of vitc on a machine with a GPU ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What vitc itself does with an emulated GPU: vitc run is the compiled program, vitc doctor sees the driver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpu import GpuProgram, compile_gpu, needs_emulator
from harness import VITC

pytestmark = needs_emulator

MODEL = "zoo:vit?dim=32,depth=1,heads=2,patch=8,image=16,classes=3"
PIXELS = np.random.default_rng(0).standard_normal((2, 3, 16, 16), np.float32)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> GpuProgram:
    return compile_gpu(MODEL, tmp_path_factory.mktemp("verbs"))


def test_run_is_the_program(program: GpuProgram, tmp_path: Path) -> None:
    expected = program.run({"pixel_values": PIXELS}, tmp_path / "program")
    vitc = GpuProgram(VITC, program.phases)
    actual = vitc.run({"pixel_values": PIXELS}, tmp_path / "run", "run", MODEL, "--target=sm_80")
    np.testing.assert_array_equal(actual["logits"], expected["logits"])


def test_doctor_names_the_driver(program: GpuProgram) -> None:
    lines = GpuProgram(VITC, program.phases).start_ok("doctor", driver="12.4").splitlines()
    assert "NVIDIA driver     for CUDA 12.4" in lines
