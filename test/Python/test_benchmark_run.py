# ===- test_benchmark_run.py - All benchmarks, and what they are made of ----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""benchmarks/run.py on a tiny model, and its parts: counts, profiles, layers, plots. Times are not compared."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from harness import BUILD, REPO, VITC, error_line, load_benchmark, run, run_ok

BENCHMARKS = REPO / "benchmarks"
TINY = "zoo:vit?dim=32,depth=2,heads=2,image=32,classes=5"


def texts_of(svg: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What run.py writes for a model at one and two threads, without suffix."""
    output = tmp_path_factory.mktemp("run") / "new" / "results"
    options = ["--threads", "1,2", "--rounds", "2", "--min-time", "0.01", "--peers", "onnxruntime"]
    options += ["--max-tokens", "50", "--build-dir", BUILD, "--output", output]
    printed = run_ok(sys.executable, BENCHMARKS / "run.py", TINY, *options)
    for suffix in (".json", ".md", "-1t.svg", "-2t.svg", "-sequence.svg"):
        assert f"{output}{suffix}\n" in printed
    return output


def test_run_keeps_measurements(written: Path) -> None:
    results = json.loads(written.with_suffix(".json").read_text())
    assert results["rounds"] == 2
    assert results["machine"]["vitc"].startswith("vitc ")
    assert [model["threads"] for model in results["models"]] == [1, 2]
    for model in results["models"]:
        assert len(model["pairs"]) == 2
        assert model["limits"]["total"]["launches"] == sum(row["launches"] for row in model["limits"]["classes"])
        assert sum(row["share_of_time"] for row in model["limits"]["classes"]) == pytest.approx(1)
    assert [point["kind"] for point in results["sequence"]] == ["global", "windowed", "linformer"]


def test_run_writes_a_page(written: Path) -> None:
    page = written.with_suffix(".md").read_text()
    for heading in ("Speed", "Memory, start-up, size", "Where the time goes", "Sequence length"):
        assert f"\n## {heading}\n" in page
    assert f"| {TINY} | 2 |" in page
    for image in ("results-1t.svg", "results-2t.svg", "results-sequence.svg"):
        assert f"![]({image})" in page
        assert texts_of((written.parent / image).read_text())


def test_tables_of_a_page(written: Path) -> None:
    """What stands around the tables stays; doing it again changes nothing."""
    summary = load_benchmark("summary")
    results = json.loads(written.with_suffix(".json").read_text())
    page = (REPO / "docs" / "performance.md").read_text()
    updated = summary.update_page(page, results)
    assert summary.update_page(updated, results) == updated
    assert updated.count(f"| {TINY} | 1 |") == 1
    for name in ("speed", "sizes", "losses", "sequence"):
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        assert updated.partition(begin)[0].rpartition("-->")[2] == page.partition(begin)[0].rpartition("-->")[2]
        assert "| ---" in updated.partition(begin)[2].partition(end)[0]


def test_negative_page_without_tables(tmp_path: Path) -> None:
    """Before anything is measured."""
    page = tmp_path / "page.md"
    page.write_text("<!-- speed -->\n<!-- end speed -->\n")
    line = error_line(sys.executable, BENCHMARKS / "run.py", TINY, "--build-dir", tmp_path, "--page", page, code=1)
    assert line.endswith("no place for its table 'sizes'; '<!-- sizes -->' and '<!-- end sizes -->' are needed")


def test_thread_gain_is_that_of_the_peak() -> None:
    """Twice as fast on a machine whose peak grows by 2.5 is 0.8 of what it could be."""
    summary = load_benchmark("summary")
    rows = [[{"name": "vitc", "share_quartiles": [share] * 3}] for share in (0.9, 0.72)]
    models = [{"model": "m", "threads": threads, "rows": row} for threads, row in zip((1, 2), rows)]
    assert summary.thread_gain({"models": models}, models[0]) is None
    assert summary.thread_gain({"models": models}, models[1]) == pytest.approx(0.8)


@pytest.mark.parametrize("kind", ["global", "windowed", "linformer"])
def test_attention_layers_have_the_papers_operations(tmp_path: Path, kind: str) -> None:
    """The formula is what the file asks for and what vitc counts, which also raised the layer to that kind."""
    blocks, flops = load_benchmark("attention_blocks"), load_benchmark("flops")
    path = tmp_path / "layer.onnx"
    blocks.write(kind, 100, path)
    tokens = blocks.round_tokens(kind, 100)
    assert tokens == (98 if kind == "windowed" else 100)
    formula = blocks.formula_flops(kind, tokens)
    assert flops.of_onnx(path, {"tokens": np.ones([1, tokens, blocks.DIM], np.float32)}) == formula
    [layer] = json.loads(run_ok(VITC, "inspect", path, "--json"))["attention"]
    assert layer["kind"] == {"linformer": "projected"}.get(kind, kind)
    assert 2 * layer["formula_multiply_adds"] == formula


@pytest.mark.parametrize(
    ("equation", "shapes", "count"),
    [("bhid,bhjd->bhij", [[2, 3, 4, 5], [2, 3, 6, 5]], 2 * 2 * 3 * 4 * 6 * 5), ("ij, jk -> ik", [[2, 3], [3, 4]], 48)],
)
def test_counts_einsum(equation: str, shapes: list, count: int) -> None:
    assert load_benchmark("flops").count_einsum(equation, shapes) == count


@pytest.mark.parametrize("equation", ["...ij,jk->...ik", "ij,jk,kl->il"])
def test_negative_einsum(equation: str) -> None:
    with pytest.raises(ValueError, match="is not counted; two operands without"):
        load_benchmark("flops").count_einsum(equation, [[1], [1]])


def test_negative_products_not_counted(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], name="up")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 2, 2]) for name in ("x", "w", "y")]
    graph = helper.make_graph([node], "g", values[:2], values[2:])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    with pytest.raises(ValueError, match=r"node 'up', a ai\.onnx\.ConvTranspose, are not counted"):
        load_benchmark("flops").of_onnx(path, {})


@pytest.mark.parametrize(
    ("kernel", "name", "kind"),
    [
        ("gemm_n768_k192_norm_gelu_3", "gemm_n768_k192_norm_gelu", "product, norm, GELU"),
        ("gemm_n192_k768_residual", "gemm_n192_k768_residual", "product, residual"),
        ("gemm_n64_k147", "gemm_n64_k147", "product"),
        ("gemm_n64_k64_norm_gelu_tanh_1", "gemm_n64_k64_norm_gelu_tanh", "product, norm, GELU"),
        ("gemm_n64_k147_statistics_0", "gemm_n64_k147_statistics", "product, statistics"),
        ("grouped_conv_3x3_c64_g2", "grouped_conv_3x3_c64_g2", "grouped convolution"),
        ("attention_h3_d64_0", "attention_h3_d64", "attention"),
        ("generic_56x256_16", "generic_56x256", "elementwise"),
    ],
)
def test_kernel_classes(kernel: str, name: str, kind: str) -> None:
    limits = load_benchmark("limits")
    assert limits.kernel_of(kernel) == name
    assert limits.class_of(kernel) == kind


def launch(kernel: str, time: float) -> dict:
    return {"cat": "kernel", "ts": 0, "dur": time, "args": {"kernel": kernel, "flops": 1e6, "bytes": 1000}}


def test_lost_time_is_beyond_the_peak() -> None:
    """1 MFLOP at 100 GFLOP/s takes 10 us; a launch of 40 us, the least of three, loses 30 of 80."""
    limits = load_benchmark("limits")
    profiles = [[launch("gemm_n8_k8", time), launch("norm_c8", 40)] for time in (41, 40, 90)]
    rows = limits.take_least(profiles)
    product, _ = limits.group(rows, limits.class_of)
    described = limits.describe(product, total=80, peak=100)
    assert described["lost"] == pytest.approx(30 / 80)
    assert described["share_of_peak"] == pytest.approx(0.25)
    assert described["share_of_time"] == pytest.approx(0.5)


def test_negative_profiles_of_two_programs() -> None:
    with pytest.raises(ValueError, match="the profiles have different kernels, a and b; one is needed"):
        load_benchmark("limits").take_least([[launch("a", 1)], [launch("b", 1)]])


def test_negative_empty_profile() -> None:
    with pytest.raises(ValueError, match="the profile has no kernels; one or more are needed"):
        load_benchmark("limits").read_profile('{"traceEvents": []}')


def test_plots_name_everything() -> None:
    plots = load_benchmark("plots")
    bars = plots.bars("Title <&>", "unit", [("model", [plots.Bar("vitc", 80, 90, 95)])], limit=100)
    assert {"Title <&>", "unit", "model", "vitc", "90.0", "100"} <= set(texts_of(bars))
    series = [plots.Series("measured", [(50, 0.2), (16384, 900)]), plots.Series("formula", [(50, 0.1)], True)]
    lines = plots.log_lines("Lines", "tokens", "ms", series)
    assert {"Lines", "tokens", "ms", "measured", "formula", "10", "100000", "0.1", "1000"} <= set(texts_of(lines))


def test_longer_time_is_drawn_higher() -> None:
    plots = load_benchmark("plots")
    drawn = ElementTree.fromstring(plots.log_lines("t", "x", "y", [plots.Series("s", [(10, 1), (100, 10)])]))
    first, second = drawn.iter("{http://www.w3.org/2000/svg}circle")
    assert float(first.get("cx")) < float(second.get("cx"))
    assert float(first.get("cy")) > float(second.get("cy"))


@pytest.mark.parametrize(("option", "value"), [("--threads", "1,0"), ("--max-tokens", "none"), ("--peers", "tvm")])
def test_negative_command_line(option: str, value: str) -> None:
    result = run(sys.executable, BENCHMARKS / "run.py", option, value)
    assert result.returncode == 2
    assert f"error: argument {option}: '" in result.stderr
    assert "'; it needs" in result.stderr


def test_negative_unknown_benchmark_model(tmp_path: Path) -> None:
    result = run(sys.executable, BENCHMARKS / "models.py", tmp_path / "new", "vit_x")
    assert result.returncode == 2
    assert "no model is named 'vit_x'; there are vit_b16, vit_ti16" in result.stderr
    assert not (tmp_path / "new").exists()
