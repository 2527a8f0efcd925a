# ===- test_models.py - Whole models agree with their references ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tiny models with perturbed weights, as Hugging Face folders and as ONNX files of three exporters.

Each folder of data/models, and of VITC_FIXTURES/hf where that is given, holds config.json, model.safetensors, io.npz
(inputs by name, and `expected` by transformers, for timm-* by timm, in f32), some also io-HxW.npz for pictures of that
size, and model.*.onnx; VITC_FIXTURES/onnx holds files whose reference is ONNX Runtime on seeded inputs. The largest
error is 1e-4 of the largest reference.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness import VITC, error_line, run, run_ok

MODELS = Path(__file__).parent / "data" / "models"
FIXTURES = os.environ.get("VITC_FIXTURES")
TOLERANCE = 1e-4
ONNX_FILES = (
    "efficientvit_m0.dyn18",
    "mobilevit_xxs.dyn18",
    "test_coatnet.dyn18",
    "test_maxvit.dyn18",
    "test_vit.dyn25",
    "test_vit.ts17",
    "test_vit2.dyn18",
    "test_vit3.dyn25",
    "test_vit_relpos.ts17",
    "vitpt_linformer_sharekv_1kvhead.ts17",
    "vitpt_linformer_small_d128_l2_256p32.dyn18",
    "vitpt_linformer_small_d128_l2_256p32.dyn25",
)


def sources() -> list[Path]:
    """Every folder, and every ONNX file in it."""
    return [source for folder in sorted(MODELS.iterdir()) for source in (folder, *sorted(folder.glob("*.onnx")))]


def run_model(source: Path, inputs: dict[str, np.ndarray], folder: Path, *options: str) -> dict[str, np.ndarray]:
    """The outputs of `vitc run`, by name."""
    arguments = []
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        arguments += ["--input", f"{name}={folder / name}.npy"]
    run_ok(VITC, "run", source, *options, *arguments, "--output-dir", folder / "outputs")
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


def assert_agrees(actual: np.ndarray, expected: np.ndarray) -> None:
    # A tiny output would agree with anything.
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


def assert_raised(source: Path, *options: str) -> None:
    """Every softmax became an attention."""
    module = run_ok(VITC, "compile", source, *options, "--compile-to=raise", "-o", "-")
    assert "vit.attention" in module
    assert "linalg.softmax" not in module


@pytest.mark.parametrize("source", sources(), ids=lambda path: str(path.relative_to(MODELS)))
def test_agrees_with_transformers(source: Path, tmp_path: Path) -> None:
    folder = source if source.is_dir() else source.parent
    with np.load(folder / "io.npz") as data:
        inputs = {name: data[name] for name in data if name != "expected"}
        expected = data["expected"]
    (actual,) = run_model(source, inputs, tmp_path).values()
    assert_agrees(actual, expected)
    assert_raised(source)


@pytest.mark.parametrize("data", sorted(MODELS.glob("*/io-*.npz")), ids=lambda path: str(path.relative_to(MODELS)))
def test_agrees_at_another_image_size(data: Path, tmp_path: Path) -> None:
    """Positions and biases are resized: positions as timm does, biases as the folder's own framework."""
    with np.load(data) as arrays:
        pixels, expected = arrays["pixel_values"], arrays["expected"]
    size = data.stem.removeprefix("io-")
    (actual,) = run_model(data.parent, {"pixel_values": pixels}, tmp_path, f"--image-size={size}").values()
    assert_agrees(actual, expected)


def copy_hybrid(folder: Path) -> dict[str, object]:
    """The folder of a hybrid without its config.json, which is returned."""
    source = MODELS / "ViTHybridForImageClassification"
    shutil.copy(source / "model.safetensors", folder)
    return json.loads((source / "config.json").read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "resnet"}, "model_type = 'resnet'; vitc imports bit"),
        ({"num_channels": 4}, "num_channels = 4; the transformer has 3"),
        ({"layer_type": "basic"}, "layer_type = 'basic'; vitc imports preactivation and bottleneck"),
        ({"global_padding": None}, "global_padding = null; vitc imports same"),
        ({"global_padding": "valid"}, "global_padding = 'valid'; vitc imports same"),
        ({"embedding_dynamic_padding": False}, "embedding_dynamic_padding = false; vitc imports true"),
        ({"hidden_act": "gelu"}, "hidden_act = 'gelu'; vitc imports relu"),
        ({"width_factor": 2}, "width_factor = 2; vitc imports 1"),
        ({"output_stride": 4}, "output_stride = 4; 2 stages need more than 4"),
        ({"num_groups": 3}, "the stem has a norm of 16 channels, not a multiple of num_groups = 3"),
        ({"num_groups": 16}, "a block has a norm of 8 channels, not a multiple of num_groups = 16"),
        ({"hidden_sizes": [30, 48]}, "a stage has a norm of 30 channels, not a multiple of num_groups = 4"),
        ({"depths": [1, 0]}, "depths = [1,0]; it needs a list of integers from 1 to 1024"),
        ({"depths": [1] * 5, "hidden_sizes": [32] * 5}, "depths has 5 stages; it needs 1 to 4"),
        ({"out_features": ["stage3"]}, '["stage3"]; it needs a list of one name, stem or stage1 to stage2'),
        ({"out_features": None}, "out_indices = [2]; vitc reads out_features"),
    ],
)
def test_refuses_another_backbone(change: dict[str, object], message: str, tmp_path: Path) -> None:
    config = copy_hybrid(tmp_path)
    config["backbone_config"].update(change)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert error_line(VITC, "compile", tmp_path, "-o", tmp_path / "out", code=1).endswith(message)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("backbone", "resnet50", 'backbone = "resnet50"; vitc needs a backbone_config'),
        ("backbone_config", "bit", 'backbone_config = "bit"; it needs an object'),
    ],
)
def test_refuses_a_backbone_that_is_not_described(key: str, value: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**copy_hybrid(tmp_path), key: value}))
    assert error_line(VITC, "compile", tmp_path, "-o", tmp_path / "out", code=1).endswith(message)


def test_default_backbone_is_that_of_vit_hybrid_base(tmp_path: Path) -> None:
    """Without backbone_config: 64 channels behind the stem, and stages of 3, 4 and 9 blocks."""
    config = copy_hybrid(tmp_path)
    del config["backbone_config"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = run(VITC, "compile", tmp_path, "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "has shape [16, 3, 7, 7]; the ResNetV2 of this architecture needs [64, 3, 7, 7]" in result.stderr
    assert "lacks 120 tensors" in result.stderr


@pytest.mark.parametrize("batch", [2, 7])
@pytest.mark.parametrize("name", sorted(path.name for path in MODELS.iterdir()))
def test_batches_are_independent(name: str, batch: int, tmp_path: Path) -> None:
    """A folder's program takes any batch, and each picture's answer is its own."""
    with np.load(MODELS / name / "io.npz") as data:
        pixels, expected = data["pixel_values"][-1:], data["expected"][-1:]
    others = np.random.default_rng(batch).standard_normal((batch - 1, *pixels.shape[1:]), np.float32)
    (actual,) = run_model(MODELS / name, {"pixel_values": np.concatenate([others, pixels])}, tmp_path).values()
    assert actual.shape[0] == batch
    assert_agrees(actual[-1:], expected)
    assert not np.allclose(actual[0], actual[-1])


@pytest.mark.skipif(not FIXTURES, reason="VITC_FIXTURES names no folder of models")
@pytest.mark.parametrize("name", ONNX_FILES)
def test_agrees_with_onnx_runtime(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    source = Path(FIXTURES, "onnx", f"{name}.onnx")
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    inputs = {each.name: rng.standard_normal(each.shape, np.float32) for each in session.get_inputs()}
    expected = session.run(None, inputs)
    actual = run_model(source, inputs, tmp_path)
    for output, value in zip(session.get_outputs(), expected, strict=True):
        assert_agrees(actual[output.name], value)
    assert_raised(source)
