# ===- test_benchmarks.py - The comparison runs to its end -----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""benchmarks/compare.py on tiny models: what it prints, counts and refuses. Times are not compared."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import BUILD, REPO, backends, error_line, load_benchmark, run, run_ok

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


def test_prints_a_table_for_each_model(compared: tuple[str, dict]) -> None:
    stdout, _ = compared
    tables = stdout.split("\n\n")[1:]
    assert len(tables) == 2
    for table in tables:
        heading, columns, *lines = table.splitlines()
        assert heading.startswith("zoo:vit?dim=32")
        for part in ("batch 3", "1 thread", "f32", "GFLOP", "peak", "GB/s"):
            assert part in heading
        for column in ("median ms", "peer/vitc", "GFLOP/s", "% of peak", "max diff", "own MB", "own ms", "deployed MB"):
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
            assert row["first_result_ms"] >= row["own_first_result_ms"]
            assert row["max_rss_bytes"] > 100_000
            assert row["deployed_bytes"] >= row["file_bytes"] > 10_000
            assert row["version"]


def test_counts_operations(compared: tuple[str, dict]) -> None:
    _, results = compared
    by_class_token, by_mean = results["models"]
    assert by_class_token["flops"] == by_mean["flops"] == 3 * FLOPS
    # Norms and activations are counted too, which fusion leaves as they are.
    left = (FLOPS - FULL_BLOCK + NARROW_BLOCK) / FLOPS
    assert by_class_token["computed_share"] == pytest.approx(left, abs=0.02)
    assert by_mean["computed_share"] == pytest.approx(1, abs=0.02)


def test_says_what_vitc_leaves_out(compared: tuple[str, dict]) -> None:
    stdout, _ = compared
    by_class_token, by_mean = stdout.split("\n\n")[1:]
    assert "leaves out rows that nothing reads" in by_class_token
    assert "leaves out" not in by_mean


@pytest.mark.parametrize("number", [0, 1])
def test_every_peer_runs_beside_vitc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int) -> None:
    """vitc runs between two peers, again for the third, in turned order in the next round."""
    compare = load_benchmark("compare")
    order = []

    def time_runs(contender: object, *_: object) -> dict:
        order.append(contender.name)
        return {"median_ms": len(order)}

    monkeypatch.setattr(compare, "time_runs", time_runs)
    monkeypatch.setattr(compare.machine, "measure_fma", lambda *_: {"gflops": 100.0})
    vitc, *others = (compare.Contender(name, name, tmp_path, 0) for name in ("vitc", "a", "b", "c"))
    settings = compare.Settings(tmp_path, tmp_path, threads=1, batch=1, min_time=0)
    pairs = compare.measure_round(number, vitc, others, {}, settings, tmp_path)
    assert order == (["a", "vitc", "b", "c", "vitc"] if number == 0 else ["b", "vitc", "a", "vitc", "c"])
    assert [pair.peer for pair in pairs] == ["a", "b", "c"]
    for pair in pairs:
        assert abs(pair.vitc["median_ms"] - pair.other["median_ms"]) == 1


def test_memory_is_the_programs_own(tmp_path: Path, compared: tuple[str, dict]) -> None:
    """Linux counts what the process that starts a program holds; this one holds numpy and ONNX Runtime."""
    _, results = compared
    for model in results["models"]:
        peaks = {row["name"]: row["max_rss_bytes"] for row in model["rows"]}
        assert peaks["vitc"] < 20_000_000 < peaks["onnxruntime"]


def test_peers_deploy_their_libraries(compared: tuple[str, dict]) -> None:
    """Own memory and time leave out Python and what it imports; vitc's programs have nothing to leave out."""
    _, results = compared
    for model in results["models"]:
        rows = {row["name"]: row for row in model["rows"]}
        assert rows["vitc"]["library_bytes"] == 0
        assert rows["vitc"]["own_rss_bytes"] == rows["vitc"]["max_rss_bytes"]
        assert rows["onnxruntime"]["library_bytes"] > 5_000_000
        assert 0 < rows["onnxruntime"]["own_rss_bytes"] < rows["onnxruntime"]["max_rss_bytes"]
        assert rows["onnxruntime"]["own_first_result_ms"] < rows["onnxruntime"]["first_result_ms"]


def test_files_with_several_inputs_and_outputs(tmp_path: Path) -> None:
    """An open batch is fixed; every output is compared; a name may have slashes."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["rows"]),
        helper.make_node("Add", ["rows", "shift"], ["/out/sum"]),
        helper.make_node("MatMul", ["/out/sum", "table"], ["product"]),
    ]
    table = onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32) * 2, "table")
    inputs = [("tokens", TensorProto.INT64, ["n", 3]), ("shift", TensorProto.FLOAT, ["n", 3, 4])]
    outputs = [("product", TensorProto.FLOAT, ["n", 3, 4]), ("/out/sum", TensorProto.FLOAT, ["n", 3, 4])]
    graph = helper.make_graph(
        nodes,
        "several",
        [helper.make_tensor_value_info(*source) for source in inputs],
        [helper.make_tensor_value_info(*result) for result in outputs],
        [table],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
    results = tmp_path / "results.json"
    run_ok(sys.executable, COMPARE, tmp_path, *OPTIONS, "--batch", "2", "--json", results)
    [model] = json.loads(results.read_text())["models"]
    assert model["model"] == "a"
    assert model["flops"] == 2 * (2 * 3 * 4 * 4)


@pytest.mark.parametrize(
    "outputs",
    [
        [[[1.0, 2.001]], [[3.0]]],
        [[[float("nan"), 2.0]], [[3.0]]],
        [[[1.0, 2.0, 3.0]], [[3.0]]],
        [[[1.0, 2.0]], [[3.1]]],
        [[[1.0, 2.0]]],
    ],
)
def test_negative_results_that_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outputs: list) -> None:
    compare = load_benchmark("compare")
    expected = [[[1.0, 2.0]], [[3.0]]]
    answers = iter([[np.array(value, np.float32) for value in values] for values in (expected, outputs)])
    monkeypatch.setattr(compare, "first_result", lambda *_: (next(answers), {}))
    contender = compare.Contender("vitc", "vitc", Path(os.devnull), 0)
    with pytest.raises(compare.BenchmarkError, match=r"vitc differs from ONNX Runtime by .* less than 1e-04 is needed"):
        compare.check_results([contender], contender, {}, None, tmp_path)


def test_negative_reference_is_not_finite() -> None:
    """NaN compares as neither larger nor smaller; it must not count as no difference."""
    values = [np.ones(2, np.float32)]
    for odd in (np.nan, np.inf):
        assert load_benchmark("compare").difference(values, [np.array([1, odd], np.float32)]) == float("inf")


def test_negative_accuracy_of_nan() -> None:
    accuracy = load_benchmark("accuracy")
    expected = [np.ones(2, np.float32)]
    assert accuracy.compare([np.array([1, 1.5], np.float32)], expected) == pytest.approx(0.5)
    assert accuracy.compare([np.array([1, np.nan], np.float32)], expected) == float("inf")


def test_negative_accuracy_of_nothing(tmp_path: Path) -> None:
    result = run(sys.executable, REPO / "benchmarks" / "accuracy.py", tmp_path)
    assert result.returncode == 2
    assert f"'{tmp_path}' has no .onnx files; one or more are needed" in result.stderr


@pytest.mark.parametrize(
    ("asked", "missing", "message"),
    [
        (["onnxruntime", "openvino"], "openvino", "OpenVINO is not installed; --peers names it"),
        (None, "onnxruntime", "package onnxruntime is not installed; every result is checked against it"),
    ],
)
def test_negative_missing_peer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: list | None, missing: str, message: str
) -> None:
    compare = load_benchmark("compare")
    monkeypatch.setattr(compare, "is_installed", lambda peer: peer != missing)
    with pytest.raises(compare.BenchmarkError, match=message):
        compare.choose_peers(asked, tmp_path)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1, "tokens"], "input 'x' has an open size; only the batch may be open"),
        ([1, 4], "input 'x' has batch 1; --batch=2 needs that"),
    ],
)
def test_negative_sizes_of_a_file(tmp_path: Path, shape: list, message: str) -> None:
    import onnx
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    model_file = load_benchmark("model_file")
    settings = model_file.Settings(tmp_path, tmp_path, threads=1, batch=2, min_time=0)
    with pytest.raises(model_file.BenchmarkError, match=f"{path}: {message}"):
        model_file.export(str(path), settings, tmp_path)


@pytest.mark.parametrize(("change", "found"), [({"precision": "bf16"}, "bf16"), ({"precision": None}, "unknown")])
def test_negative_another_precision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict, found: str) -> None:
    contenders = load_benchmark("contenders")
    ran_with = {"precision": "f32", "threads": 1, "batch": 1, **change}
    result = {key: value for key, value in ran_with.items() if value is not None}
    monkeypatch.setattr(contenders, "run_measured", lambda *_: (json.dumps(result), {"max_rss_bytes": 1}))
    settings = contenders.Settings(tmp_path, tmp_path, threads=1, batch=1, min_time=0)
    peer = contenders.Contender("openvino", "openvino", tmp_path, 0)
    with pytest.raises(contenders.BenchmarkError, match=f"openvino ran with precision {found}; f32 is needed"):
        contenders.time_runs(peer, {}, settings, tmp_path)


def test_negative_unknown_model() -> None:
    line = error_line(sys.executable, COMPARE, "zoo:nope", *OPTIONS, code=1)
    assert "model 'nope' is not one of" in line


def test_negative_no_model(tmp_path: Path) -> None:
    line = error_line(sys.executable, COMPARE, tmp_path, *OPTIONS, code=1)
    assert line.endswith(f"'{tmp_path}' is no model; zoo:NAME, FILE.onnx or a folder of such files is needed")


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
