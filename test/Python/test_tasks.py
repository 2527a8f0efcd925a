# ===- test_tasks.py - Masks, boxes, pictures and features ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What programs make of their outputs by task, from ONNX files without preprocessing and a folder with features."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from harness import SIGNDIGITS, VITC, run, run_ok

HEIGHT, WIDTH = 24, 32
RNG = np.random.default_rng(7)


def save_model(path: Path, nodes, weights: dict[str, np.ndarray], outputs: dict[str, list]) -> Path:
    image = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [image], infos, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def compile_model(source: Path, out: Path, *options: str) -> Path:
    run_ok(VITC, "compile", source, "-o", out, "-march=native", *options)
    return out


def save_picture(path: Path, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([127 + 100 * np.sin(x / 7), 127 + 100 * np.cos(y / 5), (x * y) % 255], -1).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """Scores of 5 classes for patches of 4 x 4: a convolution and its weights."""
    folder = tmp_path_factory.mktemp("segmenter")
    weight = RNG.standard_normal((5, 3, 4, 4)).astype(np.float32)
    node = helper.make_node("Conv", ["pixel_values", "w"], ["logits"], strides=[4, 4], name="patches")
    source = save_model(folder / "s.onnx", [node], {"w": weight}, {"logits": [1, 5, HEIGHT // 4, WIDTH // 4]})
    (folder / "labels.txt").write_text("wall\nfloor\nsky\ncat\ndog\n")
    options = ["--task=segmentation", "--mean=0.5", "--std=0.25,0.5,0.25", f"--labels={folder / 'labels.txt'}"]
    return compile_model(source, folder / "s", *options), weight


def resize_scores(scores: np.ndarray, height: int, width: int) -> np.ndarray:
    """torch's interpolate(mode="bilinear", align_corners=False) of [classes, h, w], in float64."""

    def weights(size: int, cells: int) -> np.ndarray:
        position = np.maximum((np.arange(size) + 0.5) * cells / size - 0.5, 0)
        low = np.floor(position).astype(int)
        matrix = np.zeros((size, cells))
        matrix[np.arange(size), low] += 1 - (position - low)
        matrix[np.arange(size), np.minimum(low + 1, cells - 1)] += position - low
        return matrix

    return np.einsum("yh,chw,xw->cyx", weights(height, scores.shape[1]), scores, weights(width, scores.shape[2]))


@pytest.mark.parametrize("height, width", [(HEIGHT, WIDTH), (61, 47)])
def test_segmentation(segmenter, tmp_path: Path, height: int, width: int) -> None:
    program, weight = segmenter
    pixels = save_picture(tmp_path / "cat.png", height, width)
    (answer,) = json.loads(run_ok(program, tmp_path / "cat.png", "-o", tmp_path / "out", "--json"))
    resized = np.asarray(Image.fromarray(pixels).resize((WIDTH, HEIGHT), Image.BILINEAR), np.float64) / 255
    image = (resized - 0.5) / [0.25, 0.5, 0.25]
    patches = image.reshape(HEIGHT // 4, 4, WIDTH // 4, 4, 3)
    scores = resize_scores(np.einsum("ypxqc,kcpq->kyx", patches, weight), height, width)
    classes = np.load(tmp_path / "out/cat.npy")
    assert classes.shape == (height, width)
    # Where two classes are as good as equal, either is right.
    sure = np.diff(np.sort(scores, 0)[-2:], axis=0)[0] > 1e-3
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(classes[sure], scores.argmax(0)[sure])
    with Image.open(tmp_path / "out/cat.mask.png") as mask:
        assert mask.mode == "P"
        np.testing.assert_array_equal(np.asarray(mask), classes)
    with Image.open(tmp_path / "out/cat.overlay.png") as overlay:
        assert overlay.size == (width, height)
    labels = ["wall", "floor", "sky", "cat", "dog"]
    counts = {item["label"]: item["pixels"] for item in answer["classes"]}
    assert counts == {labels[i]: n for i, n in enumerate(np.bincount(classes.ravel())) if n}
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


# Boxes that do not depend on the picture, but for a sum that is 0.
def test_detection(tmp_path: Path) -> None:
    logits = RNG.standard_normal((1, 9, 4)).astype(np.float32) * 2
    boxes = RNG.uniform(0.2, 0.8, (1, 9, 4)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceSum", ["pixel_values", "axes"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["none"]),
        helper.make_node("Add", ["none", "l"], ["logits"]),
        helper.make_node("Add", ["none", "b"], ["pred_boxes"]),
    ]
    weights = {"axes": np.array([1, 2, 3]), "zero": np.zeros((1, 1, 1), np.float32), "l": logits, "b": boxes}
    source = save_model(tmp_path / "d.onnx", nodes, weights, {"logits": [1, 9, 4], "pred_boxes": [1, 9, 4]})
    program = compile_model(source, tmp_path / "d", "--task=detection", "--resize=24x32")
    save_picture(tmp_path / "cat.png", 100, 60)
    (answer,) = json.loads(run_ok(program, tmp_path / "cat.png", "-o", tmp_path, "--json", "--threshold=0.4"))
    # transformers' post_process_object_detection.
    exact = np.exp(logits[0].astype(np.float64))
    probabilities = (exact / exact.sum(-1, keepdims=True))[:, :-1]
    kept = np.flatnonzero(probabilities.max(-1) > 0.4)
    assert len(kept) > 1
    kept = kept[np.argsort(-probabilities.max(-1)[kept])]
    x, y, w, h = boxes[0, kept].T
    corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1) * [60, 100, 60, 100]
    objects = answer["objects"]
    assert [item["index"] for item in objects] == probabilities.argmax(-1)[kept].tolist()
    np.testing.assert_allclose([item["score"] for item in objects], probabilities.max(-1)[kept], atol=1e-6)
    np.testing.assert_allclose([list(item["box"].values()) for item in objects], corners, atol=1e-4)
    assert json.loads((tmp_path / "cat.json").read_text())["objects"] == objects
    with Image.open(tmp_path / "cat.boxes.png") as drawn:
        assert drawn.size == (60, 100)


# Nearest pixels at twice the size; a folder of frames in, a folder out.
def test_pictures(tmp_path: Path) -> None:
    scales = np.array([1, 1, 2, 2], np.float32)
    modes = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    node = helper.make_node("Resize", ["pixel_values", "", "s"], ["picture"], **modes)
    source = save_model(tmp_path / "p.onnx", [node], {"s": scales}, {"picture": [1, 3, 2 * HEIGHT, 2 * WIDTH]})
    program = compile_model(source, tmp_path / "p", "--task=picture", "--mean=0.25", "--std=0.5")
    (tmp_path / "in/late").mkdir(parents=True)
    frames = {name: save_picture(tmp_path / "in" / f"{name}.png", HEIGHT, WIDTH) for name in ("1", "late/2")}
    run_ok(program, tmp_path / "in", "-o", tmp_path / "out")
    for name, pixels in frames.items():
        with Image.open(tmp_path / "out" / f"{name}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), pixels.repeat(2, 0).repeat(2, 1))


# Values of an ONNX file, and layers of a folder, as a backbone gives them.
def test_outputs(segmenter, tmp_path: Path) -> None:
    program = tmp_path / "vit"
    layers = ["vit.encoder.layer.0", "vit.encoder.layer.1:map", "logits"]
    compile_model(SIGNDIGITS / "model", program, f"--outputs={','.join(layers)}", "--batch=1")
    pixels = RNG.standard_normal((1, 3, 64, 64)).astype(np.float32)
    np.save(tmp_path / "pixels.npy", pixels)
    run_ok(program, "--input", tmp_path / "pixels.npy", "--output-dir", tmp_path / "out")
    hidden, features = (np.load(tmp_path / "out" / f"vit.encoder.layer.{i}.npy") for i in (0, 1))
    assert hidden.shape == (1, 65, 128)
    assert features.shape == (1, 128, 8, 8)
    # The same layer as tokens: the map is them, without the class token.
    compile_model(SIGNDIGITS / "model", program, "--outputs=vit.encoder.layer.1", "--batch=1")
    run_ok(program, "--input", tmp_path / "pixels.npy", "--output-dir", tmp_path / "out")
    tokens = np.load(tmp_path / "out/vit.encoder.layer.1.npy")
    np.testing.assert_allclose(features[0].reshape(128, 64).T, tokens[0, 1:], atol=1e-5)

    weight = np.zeros((4, 3, 8, 8), np.float32)
    nodes = [
        helper.make_node("Conv", ["pixel_values", "w"], ["deep"], strides=[8, 8]),
        helper.make_node("Relu", ["deep"], ["y"]),
    ]
    source = save_model(tmp_path / "m.onnx", nodes, {"w": weight}, {"y": [1, 4, 3, 4]})
    info = json.loads(run_ok(compile_model(source, tmp_path / "m", "--outputs=deep"), "--info", "--json"))
    assert [(item["name"], item["shape"]) for item in info["outputs"]] == [("deep", [1, 4, 3, 4])]
    result = run(VITC, "compile", source, "-o", tmp_path / "m", "--outputs=dep")
    assert result.returncode == 1
    assert result.stderr.endswith("error: has no value 'dep'; the nearest are deep, y, pixel_values\n")
    result = run(VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "m", "--outputs=vit.encoder.layers.0")
    assert result.returncode == 1
    assert "error: has no output or layer 'vit.encoder.layers.0'; the nearest are vit.encoder.layer" in result.stderr


def start_batch(program: Path, folder: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([program, folder, "--output-file", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# Killed at any time, a batch goes on where it was; each picture has one line.
def test_batch_survives_kills(segmenter, tmp_path: Path) -> None:
    program, _ = segmenter
    folder, out = tmp_path / "in", tmp_path / "out.jsonl"
    folder.mkdir()
    for i in range(30):
        save_picture(folder / f"{i:02}.png", 300, 300)
    (folder / "07.png").write_bytes(b"no picture")
    partial = Path(f"{out}.partial")
    sizes = []
    for _ in range(3):
        process = start_batch(program, folder, out)
        deadline = time.monotonic() + 60
        size = sizes[-1] if sizes else 0
        while process.poll() is None and time.monotonic() < deadline:
            if partial.exists() and partial.stat().st_size > size + 400:
                process.send_signal(signal.SIGKILL)
        process.wait()
        if process.returncode == 0:
            break
        sizes.append(partial.stat().st_size)
    assert sizes and sizes == sorted(set(sizes))
    result = run_ok(VITC, "batch", program, folder, "-o", out)
    assert result == f"{out}: 29 pictures, 1 left out\n"
    images = [json.loads(line)["image"] for line in out.read_text().splitlines()]
    assert images == [str(folder / f"{i:02}.png") for i in range(30) if i != 7]
    assert not partial.exists()


def test_batch_of_a_model(tmp_path: Path) -> None:
    out = tmp_path / "out.npy"
    run_ok(VITC, "batch", SIGNDIGITS / "model", SIGNDIGITS / "images", "-o", out, "--threads", "1")
    names = (tmp_path / "out.names.txt").read_text().splitlines()
    assert names == sorted(str(path) for path in (SIGNDIGITS / "images").glob("*.jpg"))
    assert np.load(out).shape == (len(names), 10)
    right = sum(int(os.path.basename(name)[0]) == row.argmax() for name, row in zip(names, np.load(out)))
    assert right > 0.8 * len(names)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--mean=1,2"], "takes pictures of 3 channels; --mean has 2 numbers and needs 1 or 3"),
        (["--mean=x"], "--mean is 'x'; needs numbers, one or one for each channel"),
        (["--std=0"], "--std is '0'; needs positive numbers, one or one for each channel"),
        (["--resize=big"], "--resize is 'big'; needs a number for the shorter edge, HEIGHTxWIDTH, inside or none"),
        (["--crop-pct=2"], "--crop-pct is '2'; needs a number above 0, at most 1"),
        (["--crop-pct=0.9", "--resize=8"], "--resize and --crop-pct were given; needs one of them"),
        (["--interpolation=cubic"], "--interpolation is 'cubic'; needs nearest, bilinear, bicubic, lanczos, box or"),
        (["--task=pose"], "--task is 'pose'; needs classification, segmentation, detection, picture, embedding or"),
        (["--outputs=,"], "--outputs has an empty name; needs NAME,..."),
    ],
)
def test_wrong_options(tmp_path: Path, options: list[str], message: str) -> None:
    result = run(VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "out", *options)
    assert result.returncode in (1, 2)
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_labels(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\n")
    (tmp_path / "labels.json").write_text('{"id2label": {"1": "a"}}')
    for name, message in [("labels.txt", "--labels has 2 labels"), ("labels.json", "has no labels; needs a list")]:
        command = [VITC, "compile", SIGNDIGITS / "model", "-o", tmp_path / "out", f"--labels={tmp_path / name}"]
        result = run(*command)
        assert result.returncode == 1
        assert message in result.stderr


def test_batch_needs_an_output(tmp_path: Path) -> None:
    result = run(VITC, "batch", SIGNDIGITS / "model", SIGNDIGITS / "images")
    assert result.returncode == 2
    assert result.stderr == "error: no output; needs -o FILE, one that ends in .jsonl or .npy\n"
