# ===- test_verify_models.py - Every model verifies on both backends -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""vitc verify over everything that is imported: each architecture as a folder and from each exporter's ONNX file.

data/models has one small model of each; with VITC_FIXTURES its onnx folder is verified too, and with VITC_MODELS the
full-size ONNX files of benchmarks/models.py."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from timm_folders import CONFIGS, make_config, make_weights, write_folder

from harness import EXAMPLES, VITC, backends, run_ok

MODELS = Path(__file__).parent / "data" / "models"
ZOO = [
    "zoo:vit?dim=32,depth=2,heads=2,image=32,patch=8,pool=mean",
    "zoo:swin?dim=16,depths=2-2,heads=2-4,image=32,window=4",
    "zoo:linformer?dim=32,depth=2,heads=2,k=16,image=32,patch=4",
    "zoo:hybrid?dim=32,depth=2,heads=2,image=64",
]


def find_files(variable: str, folder: str = "") -> list[Path]:
    """The ONNX files of the folder that an environment variable names."""
    root = os.environ.get(variable)
    return sorted(Path(root, folder).glob("*.onnx")) if root else []


def find_cases() -> list[tuple[Path, str]]:
    """Every folder of data/models and every ONNX file in it, with a backend.

    What exporters spell differently becomes the same kernels: one ONNX file an architecture does for oneDNN."""
    cases = []
    for backend in backends():
        for folder in sorted(MODELS.iterdir()):
            files = sorted(folder.glob("*.onnx"))
            cases += [(source, backend) for source in (folder, *(files if backend == "llvm" else files[:1]))]
    return cases


def verify(model: str | Path, backend: str) -> None:
    report = run_ok(VITC, "verify", model, f"--backend={backend}", "-v", timeout=600)
    found = re.search(
        r"^(?:(\d+) of )?(\d+) kernels?(?:, (\d+) attention maps?)? and (\d+) outputs? agree with the reference",
        report,
        re.MULTILINE,
    )
    assert found, report
    compared, kernels = int(found[1] or found[2]), int(found[2])
    rows = re.findall(r"^\d\.\de\S+  .*$", report, re.MULTILINE)
    assert len(rows) == compared + int(found[3] or 0) + int(found[4])
    assert report.count("\nnot compared: ") + report.startswith("not compared: ") == kernels - compared
    # Few kernels have no value in the source: halves of a split reduction, a folded norm, the parts of a rotation of
    # positions; and those that make a group norm's scale and shift of the sums that products wrote, which are most of
    # a small hybrid.
    assert compared >= (0.25 if "hybrid" in str(model).lower() else 0.4) * kernels
    # Two of each layer that has a token grid: all queries and their mean.
    maps = sum(row.endswith("  kernel.attention_map") for row in rows)
    assert maps == int(found[3] or 0)
    assert maps % 2 == 0
    if str(model).endswith(".onnx"):
        assert re.search(r"^ONNX Runtime [\d.]+ agrees", report, re.MULTILINE), report


@pytest.mark.parametrize(
    ("model", "backend"), [pytest.param(*case, id=f"{case[0].relative_to(MODELS)}-{case[1]}") for case in find_cases()]
)
def test_imported_model_verifies(model: Path, backend: str) -> None:
    verify(model, backend)


@pytest.mark.parametrize("model", [*ZOO, *EXAMPLES.values()], ids=lambda model: Path(model).name)
def test_own_model_verifies(model: str | Path, backend: str) -> None:
    verify(model, backend)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_timm_folder_verifies(architecture: str, backend: str, tmp_path: Path) -> None:
    write_folder(tmp_path, make_config(architecture), make_weights(architecture))
    verify(tmp_path, backend)


@pytest.mark.slow
@pytest.mark.skipif(not find_files("VITC_FIXTURES", "onnx"), reason="VITC_FIXTURES names no folder of models")
@pytest.mark.parametrize("model", find_files("VITC_FIXTURES", "onnx"), ids=lambda path: path.stem)
def test_fixture_verifies(model: Path, backend: str) -> None:
    verify(model, backend)


@pytest.mark.slow
@pytest.mark.skipif(not find_files("VITC_MODELS"), reason="VITC_MODELS names no folder of full-size models")
@pytest.mark.parametrize("model", find_files("VITC_MODELS"), ids=lambda path: path.stem)
def test_full_size_model_verifies(model: Path, backend: str) -> None:
    verify(model, backend)
