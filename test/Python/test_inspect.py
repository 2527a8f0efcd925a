# ===- test_inspect.py - vitc inspect beside the papers' formulas ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

from harness import VITC, run, run_ok

MODELS = Path(__file__).parent / "data" / "models"
FLOAT = TensorProto.FLOAT


def inspect(model: str | Path, *options: str) -> dict:
    return json.loads(run_ok(VITC, "inspect", model, "--json", *options))


def save(path: Path, nodes: list, inputs: dict, output: list, weights: dict[str, np.ndarray]) -> Path:
    """An ONNX file with f32 inputs by shape and one output, y."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("y", FLOAT, output)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    return path


def test_vit_b_is_as_published() -> None:
    """Dosovitskiy et al. 2021; timm: 17.56 G multiply-adds, 86.57 M parameters."""
    report = inspect("zoo:vit-b")
    assert report["parameters"] == 86_567_656
    assert round(report["total"]["multiply_adds"] / 1e9, 2) == 17.56
    assert report["not_raised"] == []
    tokens, dim, hidden = 197, 768, 3072
    block = 4 * tokens * dim**2 + 2 * tokens**2 * dim + 2 * tokens * dim * hidden
    assert report["total"]["multiply_adds"] == 12 * block + 196 * dim * 768 + dim * 1000


def test_swin_t_is_as_published() -> None:
    """Liu et al. 2021, table 1: 4.5 G; timm: 4.49 G multiply-adds, 28.29 M parameters."""
    report = inspect("zoo:swin-t")
    assert report["parameters"] == 28_288_354
    assert round(report["total"]["multiply_adds"] / 1e9, 2) == 4.49
    kinds = [layer["kind"] for layer in report["attention"]]
    # The last stage's map is one window.
    assert kinds == ["windowed"] * 10 + ["global"] * 2
    for layer in report["attention"]:
        n, c = layer["tokens"], layer["width"]
        assert layer["window_tokens"] == 49
        assert layer["multiply_adds"] == 4 * n * c**2 + 2 * 49 * n * c


def test_totals_are_sums() -> None:
    report = inspect("zoo:swin?image=32,window=4,dim=16,depths=2-2,heads=2-4,patch=4,classes=3")
    for key in ("multiply_adds", "other_flops", "flops"):
        assert sum(layer[key] for layer in report["layers"]) == report["total"][key]
        assert sum(kind[key] for kind in report["ops"].values()) == report["total"][key]
    assert sum(kind["count"] for kind in report["ops"].values()) == len(report["layers"])
    assert report["total"]["flops"] == 2 * report["total"]["multiply_adds"] + report["total"]["other_flops"]


def test_takes_less_than_two_seconds() -> None:
    start = time.monotonic()
    run_ok(VITC, "inspect", "zoo:vit-b")
    assert time.monotonic() - start < 2


SOURCES = [source for folder in sorted(MODELS.iterdir()) for source in (folder, *sorted(folder.glob("*.onnx")))]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(MODELS)))
def test_attention_is_as_its_formula(source: Path) -> None:
    """Every layer of these models has the papers' four projections."""
    report = inspect(source)
    assert len(report["attention"]) >= 2
    for layer in report["attention"]:
        n, c = layer["tokens"], layer["width"]
        formula = 4 * n * c**2 + 2 * layer["window_tokens"] * n * c
        assert layer["formula_multiply_adds"] == formula
        assert layer["multiply_adds"] == formula
        assert layer["layer"] != ""
    windowed = "swin" in source.relative_to(MODELS).parts[0].lower()
    assert ("windowed" in {layer["kind"] for layer in report["attention"]}) == windowed


@pytest.mark.parametrize("folder", sorted(path for path in MODELS.iterdir()), ids=lambda path: path.name)
def test_folder_and_onnx_files_agree(folder: Path) -> None:
    """Whoever wrote the model: its products are the same."""
    totals = {inspect(source)["total"]["multiply_adds"] for source in (folder, *folder.glob("*.onnx"))}
    assert len(totals) == 1


@pytest.mark.parametrize(
    "name",
    [
        "BeitForImageClassification/model.ts17.onnx",
        "DeiTForImageClassificationWithTeacher/model.dyn25.onnx",
        "DeiTForImageClassificationWithTeacher/model.ts17.onnx",
        "Dinov2ForImageClassification/model.dyn25.onnx",
        "Dinov2ForImageClassification/model.ts17.onnx",
        "Dinov2WithRegistersForImageClassification/model.dyn25.onnx",
        "Swinv2ForImageClassification/model.ts17.onnx",
        "ViTForImageClassification/model.dyn25.onnx",
        "ViTForImageClassification/model.ts17.onnx",
    ],
)
def test_parameters_of_folder_and_onnx_file_agree(name: str) -> None:
    """Where the exporter stored the weights and nothing that it computed from them."""
    path = MODELS / name
    assert inspect(path)["parameters"] == inspect(path.parent)["parameters"]


@pytest.mark.parametrize(
    "name", ["ViTForImageClassification/model.dyn18.onnx", "SwinForImageClassification/model.ts17.onnx"]
)
def test_parameters_of_onnx_files_are_the_stored_initializers(name: str) -> None:
    """Masks that the exporter stored are among them."""
    floats = [tensor for tensor in onnx.load(MODELS / name).graph.initializer if tensor.data_type == FLOAT]
    assert inspect(MODELS / name)["parameters"] == sum(int(np.prod(tensor.dims)) for tensor in floats if tensor.dims)


def test_constants_are_no_parameters(tmp_path: Path) -> None:
    table = numpy_helper.from_array(np.ones((2, 3), np.float32))
    path = save(
        tmp_path / "constants.onnx",
        [
            helper.make_node("Constant", [], ["table"], value=table),
            helper.make_node("Add", ["x", "table"], ["moved"]),
            helper.make_node("Mul", ["moved", "factor"], ["scaled"]),
            helper.make_node("Add", ["scaled", "bias"], ["y"]),
        ],
        {"x": [2, 3]},
        [2, 3],
        {"factor": np.float32(2).reshape(()), "bias": np.ones(3, np.float32)},
    )
    assert inspect(path)["parameters"] == 3


def test_parameters_of_folders_are_those_stored() -> None:
    folder = MODELS / "ViTForImageClassification"
    with safe_open(folder / "model.safetensors", "np") as tensors:
        stored = sum(tensors.get_tensor(name).size for name in tensors.keys())  # noqa: SIM118
    assert inspect(folder)["parameters"] == stored


# ===----------------------------------------------------------------------===#
# Linformer
# ===----------------------------------------------------------------------===#


def linformer(path: Path, share: bool) -> Path:
    """One attention of 12 tokens of width 16 and 2 heads with 4 projected keys, as lucidrains' Linformer has it:
    einsum('bnd,nk->bkd') of keys and values, with separate projections or one that is `share`d with the linear layer.
    """
    n, c, k, heads = 12, 16, 4, 2
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal((c, c)).astype(np.float32) for name in ("wq", "wk", "wv", "wo")}
    weights |= {name: rng.standard_normal((n, k)).astype(np.float32) for name in ("ek", "ev")}
    weights["scale"] = np.float32((c // heads) ** -0.5)
    weights["heads"] = np.array([1, -1, heads, c // heads])
    weights["tokens"] = np.array([1, n, c])
    nodes = [
        helper.make_node("MatMul", ["x", "wq"], ["q"]),
        helper.make_node("MatMul", ["x", "wk"], ["k0"]),
        helper.make_node("Einsum", ["k0", "ek"], ["k"], equation="bnd,nk->bkd"),
    ]
    value = "k"
    if not share:
        nodes.append(helper.make_node("MatMul", ["x", "wv"], ["v0"]))
        nodes.append(helper.make_node("Einsum", ["v0", "ev"], ["v"], equation="bnd,nk->bkd"))
        value = "v"
    for name, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1])):
        nodes.append(helper.make_node("Reshape", [name, "heads"], [name + "4"]))
        nodes.append(helper.make_node("Transpose", [name + "4"], [name + "h"], perm=perm))
    nodes += [
        helper.make_node("Reshape", [value, "heads"], ["v4"]),
        helper.make_node("Transpose", ["v4"], ["vh"], perm=[0, 2, 1, 3]),
        helper.make_node("MatMul", ["qh", "kh"], ["scores"]),
        helper.make_node("Mul", ["scores", "scale"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["p"], name="probabilities", axis=-1),
        helper.make_node("MatMul", ["p", "vh"], ["mixed"]),
        helper.make_node("Transpose", ["mixed"], ["merged4"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["merged4", "tokens"], ["merged"]),
        helper.make_node("MatMul", ["merged", "wo"], ["y"]),
    ]
    used = {name for node in nodes for name in node.input}
    return save(
        path,
        nodes,
        {"x": [1, n, c]},
        [1, n, c],
        {key: w for key, w in weights.items() if key in used},
    )


def test_linformer_is_as_its_formula(tmp_path: Path) -> None:
    """Wang et al. 2020: 2 n k C of the projections E and F, 2 n k C of the products."""
    report = inspect(linformer(tmp_path / "linformer.onnx", share=False))
    (layer,) = report["attention"]
    assert layer["kind"] == "projected"
    assert (layer["tokens"], layer["keys"], layer["width"], layer["heads"]) == (
        12,
        4,
        16,
        2,
    )
    assert layer["formula_multiply_adds"] == 4 * 12 * 16**2 + 4 * 12 * 4 * 16
    assert layer["multiply_adds"] == layer["formula_multiply_adds"]
    assert report["total"]["multiply_adds"] == layer["formula_multiply_adds"]


def test_shared_projection_is_less_than_the_formula(tmp_path: Path) -> None:
    report = inspect(linformer(tmp_path / "linformer.onnx", share=True))
    (layer,) = report["attention"]
    assert layer["multiply_adds"] == report["total"]["multiply_adds"]
    assert layer["formula_multiply_adds"] - layer["multiply_adds"] == 12 * 16**2 + 12 * 4 * 16


# ===----------------------------------------------------------------------===#
# What was not raised, what is not supported
# ===----------------------------------------------------------------------===#


def test_not_raised_names_the_node_and_the_reason(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Softmax", ["x"], ["p"], name="/gate/Softmax", axis=-1),
        helper.make_node("Mul", ["p", "x"], ["y"], name="/gate/Mul"),
    ]
    path = save(tmp_path / "gate.onnx", nodes, {"x": [1, 4, 8]}, [1, 4, 8], {})
    (missed,) = inspect(path)["not_raised"]
    assert missed["layer"] == "/gate/Softmax"
    assert missed["reason"].startswith("softmax is not raised to vit.attention: ")
    text = run_ok(VITC, "inspect", path)
    assert f"\nnot raised\n  /gate/Softmax: {missed['reason']}\n" in text
    assert "linalg.softmax" in text


def test_all_unsupported_ops_are_in_one_message(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Unique", ["x"], ["a"], name="find"),
        helper.make_node("Unheard", ["a"], ["b"], name="strange", domain="example.org", size=3),
        helper.make_node("Unique", ["b"], ["y"], name="find_again"),
    ]
    path = save(tmp_path / "model.onnx", nodes, {"x": [4]}, [4], {})
    result = run(VITC, "inspect", path)
    assert result.returncode == 1
    assert result.stdout == ""
    (error,) = [line for line in result.stderr.splitlines() if "error: " in line]
    for part in (
        "Unique x2 ('find', 'find_again'; the size of its result depends on data)",
        "example.org:Unheard x1 ('strange'; size = 3)",
    ):
        assert part in error
    (note,) = [line for line in result.stderr.splitlines() if "note: " in line]
    assert "Softmax" in note
