# ===- test_answers.py - Programs answer as transformers does --------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Boxes and masks in pixels of the picture, by transformers' own post-processing.

Each file of data/answers holds a picture, and what post_process_object_detection or post_process_semantic_segmentation
of transformers 5.23 made of the model's outputs for it, resized by Pillow to the model's size.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from harness import VITC, run_ok

DATA = Path(__file__).parent / "data"
MODELS = DATA / "dense_models"
NORMALISED = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def load(name: str, folder: Path) -> tuple[dict[str, np.ndarray], Path]:
    """The arrays of an answer, and its picture as a file."""
    with np.load(DATA / "answers" / f"{name}.npz") as data:
        arrays = dict(data)
    path = folder / "picture.png"
    Image.fromarray(arrays["picture"]).save(path)
    return arrays, path


def compile_model(name: str, folder: Path, size: dict[str, int]) -> Path:
    """A program of a folder whose processor makes pictures of this size."""
    model = folder / "model"
    if not model.exists():
        shutil.copytree(MODELS / name, model)
    (model / "preprocessor_config.json").write_text(json.dumps({"size": size} | NORMALISED))
    run_ok(VITC, "compile", model, "-o", folder / "program", "--march=native")
    return folder / "program"


# Two pictures of DETR: one that fills the input, and one in portrait format with zeros to its right.
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("DetrForObjectDetection", {"shortest_edge": 64, "longest_edge": 96}),
        ("DetrForObjectDetection-inside", {"shortest_edge": 64, "longest_edge": 96}),
        ("YolosForObjectDetection", {"height": 32, "width": 48}),
    ],
)
def test_boxes(name: str, size: dict[str, int], tmp_path: Path) -> None:
    expected, picture = load(name, tmp_path)
    program = compile_model(name.removesuffix("-inside"), tmp_path, size)
    threshold = f"--threshold={float(expected['threshold'])}"
    (answer,) = json.loads(run_ok(program, picture, "--json", threshold, "-o", tmp_path / "out"))
    objects = answer["objects"]
    assert len(objects) == len(expected["scores"]) > 1
    # Queries whose scores are as good as equal may come in any order.
    actual = sorted((*item["box"].values(), item["score"], item["index"]) for item in objects)
    wanted = sorted(zip(*expected["boxes"].T.tolist(), expected["scores"].tolist(), expected["labels"].tolist()))
    np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=2e-3)
    scores = [item["score"] for item in objects]
    assert scores == sorted(scores, reverse=True)


# The classifier's bias is such that all three classes are seen.
def test_mask(tmp_path: Path) -> None:
    name = "SegformerForSemanticSegmentation"
    expected, picture = load(name, tmp_path)
    model = Path(shutil.copytree(MODELS / name, tmp_path / "model"))
    weights = load_file(model / "model.safetensors")
    weights["decode_head.classifier.bias"] = expected["bias"]
    save_file(weights, model / "model.safetensors")
    program = compile_model(name, tmp_path, {"height": 32, "width": 48})
    run_ok(program, picture, "-o", tmp_path / "out")
    classes = np.load(tmp_path / "out" / "picture.npy")
    assert classes.shape == expected["classes"].shape
    assert set(np.unique(classes)) == {0, 1, 2}
    # Where two classes are as good as equal, either is right.
    sure = expected["gap"] > 1e-4
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(classes[sure], expected["classes"][sure])
    with Image.open(tmp_path / "out" / "picture.mask.png") as mask:
        np.testing.assert_array_equal(np.asarray(mask), classes)
