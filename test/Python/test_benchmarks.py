# ===- test_benchmarks.py - The comparison runs to its end -----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""benchmarks/compare.py on tiny models: what it prints, counts and refuses. Times are not compared."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness import BUILD, REPO, backends, error_line, run, run_ok

COMPARE = REPO / "benchmarks" / "compare.py"
TINY = "dim=32,depth=2,heads=2,image=32,classes=5"
PEERS = ["onnxruntime", *(["vitc-onednn"] if "onednn" in backends() else [])]
OPTIONS = ["--rounds", "1", "--min-time", "0.01", "--peers", ",".join(PEERS), "--build-dir", BUILD]

# A block on 5 tokens of 32: queries, keys, values and projection, attention, MLP; a block on 1 query of 5 keys.
TOKENS, PATCHES, DIM = 5, 4, 32
EMBEDDING = 2 * PATCHES * (3 * 16 * 16) * DIM
FULL_BLOCK = 2 * TOKENS * (12 * DIM * DIM + 2 * TOKENS * DIM)
NARROW_BLOCK = 2 * (2 * TOKENS * DIM * DIM + 10 * DIM * DIM + 2 * TOKENS * DIM)
CLASSIFIER = 2 * DIM * 5
FLOPS = EMBEDDING + 2 * FULL_BLOCK + CLASSIFIER


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict]:
    """What compare.py prints and writes for two models."""
    results = tmp_path_factory.mktemp("compare") / "results.json"
    models = [f"zoo:vit?{TINY}", f"zoo:vit?{TINY},pool=mean"]
    stdout = run_ok(sys.executable, COMPARE, *models, *OPTIONS, "--batch", "3", "--json", results)
    return stdout, json.loads(results.read_text())


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPO / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_prints_a_table_for_each_model(compared: tuple[str, dict]) -> None:
    stdout, _ = compared
    tables = stdout.split("\n\n")[1:]
    assert len(tables) == 2
    for table in tables:
        heading, columns, *lines = table.splitlines()
        assert heading.startswith("zoo:vit?dim=32")
        for part in ("batch 3", "1 thread", "f32", "GFLOP", "peak", "GB/s"):
            assert part in heading
        for column in ("median ms", "peer/vitc", "GFLOP/s", "% of peak", "max diff", "peak MB", "first ms", "file MB"):
            assert column in columns
        assert [line.split()[0] for line in lines[: 1 + len(PEERS)]] == ["vitc", *PEERS]


def test_writes_every_measurement(compared: tuple[str, dict]) -> None:
    _, results = compared
    assert results["machine"]["cpus"] >= 1
    for model in results["models"]:
        assert [pair["peer"] for pair in model["pairs"]] == PEERS
        for pair in model["pairs"]:
            assert pair["peak_gflops"] > 0
        for row in model["rows"]:
            assert row["max_difference"] < 1e-4
            assert row["median_ms"] > 0
            assert row["first_result_ms"] > 0
            assert row["max_rss_bytes"] > 100_000
            assert row["file_bytes"] > 10_000
            assert row["version"]


def test_counts_operations(compared: tuple[str, dict]) -> None:
    _, results = compared
    by_class_token, by_mean = results["models"]
    assert by_class_token["flops"] == by_mean["flops"] == by_mean["computed_flops"] == 3 * FLOPS
    assert by_class_token["computed_flops"] == 3 * (FLOPS - FULL_BLOCK + NARROW_BLOCK)


def test_says_what_vitc_leaves_out(compared: tuple[str, dict]) -> None:
    stdout, _ = compared
    by_class_token, by_mean = stdout.split("\n\n")[1:]
    assert "leaves out rows that nothing reads" in by_class_token
    assert "leaves out" not in by_mean


def test_memory_is_the_programs_own(tmp_path: Path, compared: tuple[str, dict]) -> None:
    """Linux counts what the process that starts a program holds; this one holds numpy and ONNX Runtime."""
    _, results = compared
    for model in results["models"]:
        peaks = {row["name"]: row["max_rss_bytes"] for row in model["rows"]}
        assert peaks["vitc"] < 20_000_000 < peaks["onnxruntime"]


@pytest.mark.parametrize("logits", [[[1.0, 2.001]], [[float("nan"), 2.0]], [[1.0, 2.0, 3.0]]])
def test_negative_results_that_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logits: list) -> None:
    import numpy as np

    monkeypatch.syspath_prepend(str(COMPARE.parent))
    compare = load_script("compare")
    answers = iter([np.array([[1.0, 2.0]], np.float32), np.array(logits, np.float32)])
    monkeypatch.setattr(compare, "first_result", lambda *_: (next(answers), {}))
    contender = compare.Contender("vitc", "vitc", Path(os.devnull), 0)
    with pytest.raises(compare.BenchmarkError, match=r"vitc differs from ONNX Runtime by .* less than 1e-04 is needed"):
        compare.check_results([contender], contender, tmp_path, None, tmp_path)


@pytest.mark.parametrize(("change", "found"), [({"precision": "bf16"}, "bf16"), ({"precision": None}, "unknown")])
def test_negative_another_precision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict, found: str) -> None:
    contenders = load_script("contenders")
    ran_with = {"precision": "f32", "threads": 1, "batch": 1, **change}
    result = {key: value for key, value in ran_with.items() if value is not None}
    monkeypatch.setattr(contenders, "run_measured", lambda *_: (json.dumps(result), {"max_rss_bytes": 1}))
    settings = contenders.Settings(tmp_path, tmp_path, threads=1, batch=1, min_time=0)
    peer = contenders.Contender("openvino", "openvino", tmp_path, 0)
    with pytest.raises(contenders.BenchmarkError, match=f"openvino ran with precision {found}; f32 is needed"):
        contenders.time_runs(peer, tmp_path, settings, tmp_path)


def test_negative_unknown_op() -> None:
    flops = load_script("flops")
    with pytest.raises(ValueError, match=r"op 'kernel\.conv' is not one whose operations are counted"):
        flops.of_kernels("  func.func @forward(%arg0: !kernel.context) {\n    kernel.conv batch(%c1)\n  }\n")


def test_negative_unknown_model() -> None:
    line = error_line(sys.executable, COMPARE, "zoo:nope", *OPTIONS, code=1)
    assert "model 'nope' is not one of" in line


def test_negative_no_compiler(tmp_path: Path) -> None:
    line = error_line(sys.executable, COMPARE, "zoo:vit-ti", "--build-dir", tmp_path, code=1)
    assert line.endswith(f"error: {tmp_path} has no bin/vitc; a built vitc is needed")
    assert not any(tmp_path.iterdir())


def test_negative_results_in_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "none" / "results.json"
    result = run(sys.executable, COMPARE, "zoo:vit-ti", "--json", path)
    assert result.returncode == 2
    assert f"'{path}' is in no folder that exists; it needs one" in result.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--threads", "0"), ("--rounds", "x"), ("--min-time", "-1"), ("--peers", "tensorflow")]
)
def test_negative_command_line(option: str, value: str) -> None:
    result = run(sys.executable, COMPARE, "zoo:vit-ti", option, value)
    assert result.returncode == 2
    assert f"error: argument {option}: '{value}'; it needs" in result.stderr
