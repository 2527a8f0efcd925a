# ===- test_explain.py - vitc explain beside what programs do --------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from harness import SIGNDIGITS, VITC, backends, error_line, run_ok

MODELS = Path(__file__).parent / "data" / "models"
VIT = "zoo:vit?dim=32,depth=3,heads=2,patch=8,image=16,classes=3"
COSTS = ("flops", "weight_bytes", "read_bytes", "written_bytes")


def explain(model: str | Path, *options: str) -> dict:
    return json.loads(run_ok(VITC, "explain", model, "--json", *options))


@pytest.mark.parametrize("backend", backends())
def test_kernels_are_those_of_profiles(backend: str, tmp_path: Path) -> None:
    """The launches of a run in their order: the source's name, the function, its work."""
    run_ok(VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "program", f"--backend={backend}", "-march=native")
    run_ok(tmp_path / "program", "--profile", tmp_path / "profile.json", "--threads", "1", "--batch", "3")
    trace = json.loads((tmp_path / "profile.json").read_text())
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    # Any number of images is possible; profiles are of three.
    kernels = explain(SIGNDIGITS / "model", f"--backend={backend}", "--batch=3")["kernels"]
    assert len(kernels) > 10
    assert [kernel["layer"] for kernel in kernels] == [event["name"] for event in slices]
    assert [kernel["kernel"] for kernel in kernels] == [event["args"]["kernel"] for event in slices]
    for kernel, event in zip(kernels, slices, strict=True):
        assert kernel["flops"] == event["args"]["flops"]
        assert sum(kernel[cost] for cost in COSTS[1:]) == event["args"]["bytes"]
    provided = [kernel for kernel in kernels if kernel["kernel"].startswith("onednn_")]
    assert {kernel["tile"] for kernel in provided} == ({"onednn"} if backend == "onednn" else set())


def test_total_is_the_sum() -> None:
    report = explain(VIT)
    for cost in COSTS:
        assert report["total"][cost] == sum(kernel[cost] for kernel in report["kernels"])
    assert report["functions"] == len({kernel["kernel"] for kernel in report["kernels"]})
    assert report["functions"] < len(report["kernels"])
    moved = sum(report["total"][cost] for cost in COSTS[1:])
    assert report["total"]["flops_per_byte"] == pytest.approx(report["total"]["flops"] / moved)


def test_products_are_those_of_inspect() -> None:
    """A global pool keeps every token to the end: nothing is left out."""
    model = VIT + ",pool=mean"
    inspected = json.loads(run_ok(VITC, "inspect", model, "--json"))["total"]
    explained = explain(model)["total"]
    assert 2 * inspected["multiply_adds"] < explained["flops"] <= inspected["flops"]


def test_weights_count_once_and_images_each() -> None:
    one, three = explain(VIT, "--batch=1"), explain(VIT, "--batch=3")
    assert (one["batch"], three["batch"]) == (1, 3)
    assert three["total"]["weight_bytes"] == one["total"]["weight_bytes"]
    assert three["total"]["written_bytes"] == 3 * one["total"]["written_bytes"]
    assert three["total"]["flops"] == 3 * one["total"]["flops"]
    # Any number of images: the report is of one.
    assert explain(VIT)["total"] == one["total"]


def test_every_launch_has_a_layer_and_a_tile() -> None:
    for kernel in explain(MODELS / "SwinForImageClassification")["kernels"]:
        assert kernel["layer"] == kernel["sources"][0] != ""
        assert kernel["tile"] != ""
        assert kernel["tiling"].startswith("#kernel.")


def test_swin_says_what_became_addresses() -> None:
    kernels = explain(MODELS / "SwinForImageClassification")["kernels"]
    fused = {text for kernel in kernels for text in kernel["fused"]}
    through = [text for text in fused if " through " in text]
    assert any("window partition" in text for text in through)
    assert any("window reverse" in text for text in through)
    assert any("cyclic shift" in text for text in through)
    assert any("patch merging" in text for text in through)
    for kernel in kernels:
        if kernel["op"] == "attention":
            assert {"softmax", "head split", "head merge"} <= set(kernel["fused"])


def test_equal_blocks_are_folded() -> None:
    text = run_ok(VITC, "explain", VIT)
    assert "\nvit.encoder.layer.0 ... vit.encoder.layer.1 (x2)\n" in text
    assert text.count("attention_h2_d16") == 2
    everything = run_ok(VITC, "explain", VIT, "-v")
    assert "(x" not in everything
    assert everything.count("attention_h2_d16") == 3


def test_bound_follows_from_the_machine() -> None:
    report = explain(VIT, "--peak=100", "--bandwidth=10")
    for row in (*report["kernels"], report["total"]):
        assert row["bound"] == ("compute" if row["flops_per_byte"] >= 10 else "memory")
    assert {kernel["bound"] for kernel in report["kernels"]} == {"memory"}
    assert "bound" not in explain(VIT)["total"]


def test_misses_name_the_node_and_the_reason(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Softmax", ["x"], ["p"], name="/gate/Softmax", axis=-1),
        helper.make_node("Mul", ["p", "x"], ["y"], name="/gate/Mul"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8]) for name in "xy"]
    graph = helper.make_graph(nodes, "graph", values[:1], values[1:])
    path = tmp_path / "gate.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    (missed,) = explain(path)["missed"]
    assert missed["layer"] == "/gate/Softmax"
    assert missed["reason"].startswith("softmax is not raised to vit.attention: ")
    assert f"\nmissed\n  /gate/Softmax: {missed['reason']}\n" in run_ok(VITC, "explain", path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "out"], "explain writes no program; found -o"),
        (["--compile-to=fuse"], "explain writes no program; found -compile-to"),
        (["--peak=100"], "--peak and --bandwidth tell what bounds kernels together; found one of them"),
        (["--peak=0", "--bandwidth=1"], "--peak is '0'; needs a number above 0"),
        (["--peak=1", "--bandwidth=-2"], "--bandwidth is '-2'; needs a number above 0"),
        (["--peak=x", "--bandwidth=1"], "--peak is 'x'; needs a number above 0"),
        (["--verify"], "explain runs nothing; found -verify"),
        (["-O9"], "-O is '9'; needs 0 to 3"),
        (["-Ofast"], "-O is 'fast'; needs 0 to 3"),
        (["-march=x86-64"], "-march is 'x86-64'; needs x86-64-v2, x86-64-v3, x86-64-v4 or native"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_options(options: list[str], message: str) -> None:
    assert error_line(VITC, "explain", VIT, *options, code=2) == f"error: {message}"
