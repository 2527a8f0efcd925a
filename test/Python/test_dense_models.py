# ===- test_dense_models.py - Detectors, segmenters, picture models --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Hugging Face folders whose outputs are not one vector for a picture.

Each folder of data/dense_models holds config.json, model.safetensors and io.npz, or io-HxW.npz for pictures of that
size: inputs by name, and each output by transformers, in f32, as `expected.NAME`. The weights are random, norms,
biases and tables perturbed. The largest error is 1e-4 of the largest reference.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_models import assert_agrees, assert_raised, run_model

from harness import VITC, error_line, run, run_ok

MODELS = Path(__file__).parent / "data" / "dense_models"
DATA = sorted(MODELS.glob("*/io*.npz"))


def image_size(data: Path) -> list[str]:
    """The option for io-HxW.npz."""
    return [f"--image-size={data.stem.removeprefix('io-')}"] if data.stem != "io" else []


def read(data: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Inputs and expected outputs, by name."""
    with np.load(data) as arrays:
        inputs = {name: arrays[name] for name in arrays if not name.startswith("expected.")}
        return inputs, {name.removeprefix("expected."): arrays[name] for name in arrays if name not in inputs}


@pytest.mark.parametrize("data", DATA, ids=lambda path: path.parent.name)
def test_agrees_with_transformers(data: Path, tmp_path: Path) -> None:
    inputs, expected = read(data)
    actual = run_model(data.parent, inputs, tmp_path, *image_size(data))
    assert expected.keys() <= actual.keys()
    for name, value in expected.items():
        if value.dtype == np.int64:
            np.testing.assert_array_equal(actual[name], value)
        else:
            assert_agrees(actual[name], value)
    assert_raised(data.parent, *image_size(data))


def unpatchify(patches: np.ndarray, patch: int) -> np.ndarray:
    """[B, N, patch * patch * 3] of a square picture -> [B, 3, H, W]."""
    side = int(patches.shape[1] ** 0.5)
    pixels = patches.reshape(-1, side, side, patch, patch, 3)
    return pixels.transpose(0, 5, 1, 3, 2, 4).reshape(-1, 3, side * patch, side * patch)


@pytest.mark.parametrize("name", ["ViTMAEForPreTraining", "ViTMAEForPreTraining-normalised"])
def test_mae_reconstructs_the_masked_patches(name: str, tmp_path: Path) -> None:
    """Visible patches are the picture's own; norm_pix_loss predicts them with mean 0 and variance 1."""
    inputs, expected = read(MODELS / name / "io.npz")
    picture, patch = inputs["pixel_values"], 8
    actual = run_model(MODELS / name, inputs, tmp_path)
    masked = unpatchify(np.repeat(actual["mask"][..., None], patch * patch * 3, axis=2), patch) > 0
    assert 0.5 < masked.mean() < 0.8
    predicted = expected["logits"]
    if name.endswith("-normalised"):
        side = picture.shape[2] // patch
        own = picture.reshape(-1, 3, side, patch, side, patch).transpose(0, 2, 4, 3, 5, 1).reshape(predicted.shape)
        predicted = predicted * np.sqrt(own.var(-1, ddof=1, keepdims=True) + 1e-6) + own.mean(-1, keepdims=True)
    assert_agrees(
        actual["reconstruction"],
        np.where(masked, unpatchify(predicted, patch), picture),
    )


def test_mae_hides_patches_of_a_picture(tmp_path: Path) -> None:
    """A program fills the noise by itself; the visible patches are the picture's, to the last bit."""
    model = shutil.copytree(MODELS / "ViTMAEForPreTraining", tmp_path / "model")
    processor = {"do_resize": False, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (model / "preprocessor_config.json").write_text(json.dumps(processor))
    run_ok(VITC, "compile", model, "-o", tmp_path / "program", "--march=native")
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    pictures = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        run_ok(tmp_path / "program", tmp_path / "picture.png", "-o", folder)
        pictures.append(np.asarray(Image.open(folder / "picture.png")))
    np.testing.assert_array_equal(*pictures)
    # Of 4 x 4 patches 12 are hidden, in places that are random.
    same = (pictures[0] == pixels).reshape(4, 8, 4, 8, 3).all((1, 3, 4))
    assert same.sum() == 4
    assert not same[0].all()


def test_mae_ranks_equal_noise_by_position(tmp_path: Path) -> None:
    inputs, _ = read(MODELS / "ViTMAEForPreTraining" / "io.npz")
    inputs["noise"] = np.full_like(inputs["noise"], 0.25)
    actual = run_model(MODELS / "ViTMAEForPreTraining", inputs, tmp_path)
    np.testing.assert_array_equal(actual["ids_restore"], [np.arange(16)] * len(inputs["noise"]))
    np.testing.assert_array_equal(actual["mask"], [[0] * 4 + [1] * 12] * len(inputs["noise"]))


def test_encoder_of_another_type_is_refused(tmp_path: Path) -> None:
    shutil.copy(MODELS / "YolosForObjectDetection" / "model.safetensors", tmp_path)
    config = {
        "model_type": "vision-encoder-decoder",
        "encoder": {"model_type": "donut-swin"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    line = error_line(VITC, "compile", tmp_path, "-o", tmp_path / "out", code=1)
    assert line.endswith("model_type = 'donut-swin'; vitc imports beit, deit, dinov2, swin, swinv2, vit")


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("DINOv3ViTModel", "embedding"),
        ("DetrForObjectDetection", "detection"),
        ("SegformerForImageClassification", "classification"),
        ("SegformerForSemanticSegmentation", "segmentation"),
        ("Swin2SRForImageSuperResolution", "picture"),
        ("ViTMAEForPreTraining", "picture"),
        ("YolosForObjectDetection", "detection"),
    ],
)
def test_task(name: str, task: str) -> None:
    module = run_ok(VITC, "compile", MODELS / name, "--compile-to=import", "-o", "-")
    assert f'task = "{task}"' in module


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "DINOv3ViTModel",
            {"num_attention_heads": 0},
            "num_attention_heads = 0; it needs an integer from 1 to 65536",
        ),
        (
            "DINOv3ViTModel",
            {"hidden_act": 1},
            "hidden_act = 1; it needs a string",
        ),
        (
            "DINOv3ViTModel",
            {"value_bias": False},
            "query_bias = true and value_bias = false; vitc needs both or none",
        ),
        (
            "DINOv3ViTModel",
            {"rope_theta": 1},
            "rope_theta = 1; it needs a number above 1",
        ),
        (
            "DINOv3ViTModel",
            {"num_attention_heads": 16},
            (
                "hidden_size = 32 in 16 heads; each needs a multiple of 4, of which half is turned by the height and "
                "half by the width"
            ),
        ),
        (
            "DetrForObjectDetection",
            {"position_embedding_type": "learned"},
            "position_embedding_type = 'learned'; vitc imports sine",
        ),
        (
            "DetrForObjectDetection",
            {"activation_function": "gelu"},
            "activation_function = 'gelu'; vitc imports relu",
        ),
        (
            "DetrForObjectDetection",
            {"dilation": True},
            "dilation = true; vitc imports false",
        ),
        (
            "DetrForObjectDetection",
            {"encoder_attention_heads": 5},
            "d_model = 32 is not a multiple of encoder_attention_heads = 5",
        ),
        (
            "DetrForObjectDetection",
            {"backbone_config": {"model_type": "swin"}},
            "the backbone's model_type = 'swin'; vitc imports resnet and timm_backbone",
        ),
        (
            "DetrForObjectDetection",
            {
                "backbone_config": None,
                "use_timm_backbone": True,
                "backbone": "resnet26",
            },
            "backbone = 'resnet26'; vitc imports resnet18, resnet34, resnet50 and resnet101",
        ),
        (
            "SegformerForSemanticSegmentation",
            {"depths": [1]},
            "depths has 1 entries; num_encoder_blocks = 2 needs as many",
        ),
        (
            "SegformerForSemanticSegmentation",
            {"mlp_ratios": [2, 65536]},
            "mlp_ratios gives stage 1 1572864 hidden channels; vitc compiles at most 1048576",
        ),
        (
            "SegformerForSemanticSegmentation",
            {"depths": [0, 1]},
            "depths = [0,1]; it needs a list of integers from 1 to 1024",
        ),
        (
            "SegformerForSemanticSegmentation",
            {"num_attention_heads": [3, 3]},
            "stage 0 has 16 channels, no multiple of its num_attention_heads = 3",
        ),
        (
            "Swin2SRForImageSuperResolution",
            {"num_heads": 2},
            "num_heads = 2; it needs a list of integers from 1 to 65536",
        ),
        (
            "Swin2SRForImageSuperResolution",
            {"upsampler": "pixelshuffle_aux"},
            "upsampler = 'pixelshuffle_aux'; vitc imports pixelshuffle, pixelshuffledirect, nearest+conv and none",
        ),
        (
            "Swin2SRForImageSuperResolution",
            {"upscale": 6},
            "upscale = 6; pixelshuffle needs a power of 2, or 3",
        ),
        (
            "Swin2SRForImageSuperResolution",
            {"patch_size": 2},
            "patch_size = 2; vitc imports 1",
        ),
        (
            "Swin2SRForImageSuperResolution",
            {"resi_connection": "2conv"},
            "resi_connection = '2conv'; vitc imports 1conv and 3conv",
        ),
        (
            "ViTMAEForPreTraining",
            {"mask_ratio": 0.99},
            "mask_ratio = 0.99 leaves none of 16 patches to the encoder; it needs 1 or more",
        ),
        (
            "YolosForObjectDetection",
            {"image_size": [4, 48]},
            "image_size = 4x48; patch_size needs 8x8 or more",
        ),
    ],
)
def test_refuses(name: str, change: dict[str, object], message: str, tmp_path: Path) -> None:
    shutil.copy(MODELS / name / "model.safetensors", tmp_path)
    config = json.loads((MODELS / name / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    line = error_line(VITC, "compile", tmp_path, "-o", tmp_path / "out", code=1)
    assert line.endswith(f"config.json: error: {message}")


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        (
            "Swin2SRForImageSuperResolution",
            "18x16",
            "pictures of 18x16 are not whole windows; window_size = 4 needs multiples of it",
        ),
        (
            "SegformerForSemanticSegmentation",
            "8x64",
            "pictures of 8x64 leave stage 0 a map of 2x16; its sr_ratio needs 4x4",
        ),
        (
            "ViTMAEForPreTraining",
            "64x64",
            "--image-size=64x64 was asked for; ViTMAEForPreTraining needs image_size = 32x32, its decoder's",
        ),
    ],
)
def test_refuses_another_size(name: str, size: str, message: str, tmp_path: Path) -> None:
    line = error_line(
        VITC,
        "compile",
        MODELS / name,
        f"--image-size={size}",
        "-o",
        tmp_path / "out",
        code=1,
    )
    assert line.endswith(message)


@pytest.mark.parametrize(
    ("name", "size", "shape"),
    [
        ("SegformerForSemanticSegmentation", None, "512x512"),
        ("SegformerForSemanticSegmentation", {"height": 64, "width": 96}, "64x96"),
        ("SegformerForSemanticSegmentation", 64, "64x64"),
        ("SegformerForSemanticSegmentation", {"shortest_edge": 64}, "64x64"),
        ("DetrForObjectDetection", None, "800x1333"),
        ("DetrForObjectDetection", {"shortest_edge": 64, "longest_edge": 96}, "64x96"),
        ("DetrForObjectDetection", {"max_height": 96, "max_width": 64}, "96x64"),
    ],
)
def test_size_of_pictures_is_the_processors(name: str, size: object, shape: str, tmp_path: Path) -> None:
    shutil.copytree(MODELS / name, tmp_path, dirs_exist_ok=True)
    processor = {"do_normalize": False} if size is None else {"do_normalize": False, "size": size}
    if size == {"shortest_edge": 64}:
        # The shorter edge alone leaves the other open.
        processor.update(do_center_crop=True, crop_size=64)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    module = run_ok(VITC, "compile", tmp_path, "--compile-to=import", "-o", "-")
    assert f"3x{shape}xf32>" in module.split("func.func @forward(")[1].split("\n")[0]


def test_timm_backbone_has_timm_names(tmp_path: Path) -> None:
    """Files from before transformers 4.50: a ResNet by its name in timm."""
    source = MODELS / "DetrForObjectDetection"
    shutil.copy(source / "model.safetensors", tmp_path)
    config = json.loads((source / "config.json").read_text())
    config.update(backbone_config=None, use_timm_backbone=True, backbone="resnet18")
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = run(VITC, "compile", tmp_path, "-o", tmp_path / "out")
    assert result.returncode == 1
    prefix = "'model.backbone.conv_encoder.model."
    assert f"asks for: {prefix}conv1.weight', {prefix}bn1.weight', {prefix}bn1.bias' and 97 more" in result.stderr
