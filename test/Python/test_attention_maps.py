# ===- test_attention_maps.py - Attention maps of compiled models ---------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Maps from fused kernels against the unfused models' softmax, and their places on the picture against numpy.

attentions.npz beside a model's io.npz holds the probabilities that transformers computes in f64 with eager attention,
layer0, layer1, ... [batch * windows, heads, queries, keys]. The Linformer's are the Softmax nodes of its ONNX file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
from PIL import Image

import vitc
from harness import EXAMPLES, VITC, Photos, error_line, run_ok

MODELS = Path(__file__).parent / "data" / "models"
SWIN = MODELS / "SwinForImageClassification-padded"
SOURCES = [
    source
    for folder in sorted(path.parent for path in MODELS.glob("*/attentions.npz"))
    for source in (folder, *sorted(folder.glob("*.onnx")))
]
TOLERANCE = 1e-5


def compile_library(source: Path, folder: Path, *options: str) -> Path:
    run_ok(VITC, "compile", source, "-o", folder / "model.so", *options)
    return folder / "model.so"


def load_inputs(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "io.npz") as data:
        return {name: data[name] for name in data.files if name != "expected"}


@pytest.fixture(scope="module")
def swin_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(SWIN, tmp_path_factory.mktemp("swin"))


@pytest.fixture(scope="module")
def swin_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("swin") / "swin"
    run_ok(VITC, "compile", SWIN, "-o", program)
    return program


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(MODELS)))
def test_maps_equal_the_unfused_reference(source: Path, backend: str, tmp_path: Path) -> None:
    folder = source if source.is_dir() else source.parent
    inputs = load_inputs(folder)
    path = compile_library(source, tmp_path, f"--backend={backend}")
    with np.load(folder / "attentions.npz") as data, vitc.load(path) as model:
        plain = model(*inputs.values())
        outputs, maps, _ = model.attention(*inputs.values(), queries="all")
        assert np.asarray(outputs).tobytes() == np.asarray(plain).tobytes()
        assert len(maps) == len(data.files)
        for number, rows in maps.items():
            batch, windows, *rest = rows.shape
            np.testing.assert_allclose(rows.reshape(batch * windows, *rest), data[f"layer{number}"], atol=TOLERANCE)
            np.testing.assert_allclose(rows.sum(-1), 1, rtol=0, atol=TOLERANCE)


def test_any_query_is_a_row_of_the_matrix(library: Path, photos: Photos) -> None:
    """Layers that are not asked for are skipped, and no choice changes a bit of the logits."""
    pixels = photos.pixels[:2]
    with vitc.load(library) as model:
        plain = model(pixels)
        whole = model.attention(pixels, queries="all").maps
        for queries, rows in ((5, slice(5, 6)), ((60, 5), slice(60, 65)), (None, slice(0, 1))):
            outputs, maps, _ = model.attention(pixels, layers=[1, 3], queries=queries)
            assert outputs.tobytes() == plain.tobytes()
            assert list(maps) == [1, 3]
            for number, part in maps.items():
                np.testing.assert_allclose(part, whole[number][:, :, :, rows], rtol=0, atol=1e-7)
        means = model.attention(pixels, queries="mean").maps
        for number, mean in means.items():
            np.testing.assert_allclose(mean[:, :, :, 0], whole[number].mean(3, dtype=np.float64), rtol=0, atol=1e-6)
        with pytest.raises(vitc.InvalidArgumentError, match="queries 64 to 65 are asked for; layer 0 has 65"):
            model.attention(pixels, queries=(64, 2))
        with pytest.raises(vitc.UnsupportedError, match=re.escape("layer 4 is not compiled in; the model has [0, 1")):
            model.attention(pixels, layers=[4])


def test_same_bits_at_any_thread_count_and_batch(swin_library: Path) -> None:
    pixels = load_inputs(SWIN)["pixel_values"]
    results = []
    for threads in (1, 3):
        with vitc.load(swin_library, threads=threads) as model:
            results.append(model.attention(pixels, queries="all").maps)
    with vitc.load(swin_library) as model:
        alone = [model.attention(pixels[item : item + 1], queries="all").maps for item in range(2)]
    for number, rows in results[0].items():
        assert rows.tobytes() == results[1][number].tobytes()
        assert rows.tobytes() == np.concatenate([maps[number] for maps in alone]).tobytes()


# --- Swin's windows -------------------------------------------------------------


def window_map(matrix: np.ndarray, size: tuple[int, int], shift: int) -> np.ndarray:
    """[H, W, H, W] of one head, size before padding: what each patch attends to, from [windows, M * M, M * M]."""
    height, width = (-(-side // 4) * 4 for side in size)
    result = np.zeros((height, width, height, width))
    # The number of each patch of the padded map, rolled and cut into windows as the model does it.
    numbers = np.roll(np.arange(height * width).reshape(height, width), (-shift, -shift), (0, 1))
    windows = numbers.reshape(height // 4, 4, width // 4, 4).transpose(0, 2, 1, 3).reshape(-1, 16)
    for window, places in enumerate(windows):
        for query, place in enumerate(places):
            y, x = divmod(place, width)
            result[y, x].flat[places] = matrix[window, query]
    return result[: size[0], : size[1], : size[0], : size[1]]


@pytest.mark.parametrize("layer, size, shift", [(0, (10, 11), 0), (1, (10, 11), 2), (2, (5, 6), 0), (3, (5, 6), 2)])
def test_windows_are_put_back_on_the_picture(
    swin_program: Path, swin_library: Path, tmp_path: Path, layer: int, size: tuple[int, int], shift: int
) -> None:
    picture = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (38, 44, 3), np.uint8)).save(picture)
    with vitc.load(swin_library) as model:
        matrices = model.attention(model.read_image(picture), queries="all").maps[layer][0]
    maps = [window_map(matrices[:, head], size, shift) for head in range(matrices.shape[1])]
    # The mean over the queries of each window lies on that window.
    mean = [window_map(np.repeat(m.mean(1, keepdims=True), 16, 1), size, shift) for m in matrices.swapaxes(0, 1)]
    folder = tmp_path / "mean"
    run_ok(swin_program, "--attention", folder, f"--attention-layers={layer}", picture)
    written = np.load(folder / f"noise.layer-{layer:02}.map.npy")
    expected = [np.einsum("yxyx->yx", m) for m in mean]
    np.testing.assert_allclose(written, expected, rtol=0, atol=1e-6)
    assert np.load(folder / f"noise.layer-{layer:02}.npy").shape == matrices[:, :, 0].shape
    for row, column in ((0, 0), (3, 4), (size[0] - 1, size[1] - 1)):
        folder = tmp_path / f"{row}-{column}"
        query = f"--attention-query={row},{column}"
        run_ok(swin_program, "--attention", folder, f"--attention-layers={layer}", query, picture)
        written = np.load(folder / f"noise.layer-{layer:02}.map.npy")
        np.testing.assert_allclose(written, [m[row, column] for m in maps], rtol=0, atol=1e-6)
        probabilities = np.load(folder / f"noise.layer-{layer:02}.npy")
        np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=0, atol=TOLERANCE)


# --- Linformer's projected keys -------------------------------------------------


def softmax_outputs(path: Path, pixels: np.ndarray) -> list[np.ndarray]:
    """What each Softmax node of a file gives, by onnx's reference in numpy."""
    model = onnx.load(path)
    names = [node.output[0] for node in model.graph.node if node.op_type == "Softmax"]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    return onnx.reference.ReferenceEvaluator(model).run(None, {model.graph.input[0].name: pixels})


def test_projected_keys_are_put_back_on_their_tokens(photos: Photos, tmp_path: Path) -> None:
    pixels = photos.pixels[:2]
    with vitc.load(compile_library(EXAMPLES["linformer"], tmp_path)) as model:
        outputs, maps, projections = model.attention(pixels, queries="all")
        assert outputs.tobytes() == model(pixels).tobytes()
        layers = {layer.number: layer for layer in model.attention_layers}
    references = softmax_outputs(EXAMPLES["linformer"], pixels)
    assert len(references) == len(maps) == len(projections)
    for number, reference in enumerate(references):
        assert layers[number].keys < layers[number].tokens == layers[number].queries
        np.testing.assert_allclose(maps[number][:, 0], reference, rtol=0, atol=TOLERANCE)
        assert projections[number].shape == (layers[number].keys, layers[number].tokens)
        assert np.ptp(projections[number]) > 0


# --- The program ----------------------------------------------------------------


def test_rollout_equals_the_paper(program: Path, library: Path, tmp_path: Path) -> None:
    picture = next((EXAMPLES["vit"].parent / "images").glob("3_1.jpg"))
    run_ok(program, "--attention", tmp_path, "--attention-rollout", "--attention-layers=0", picture)
    with vitc.load(library) as model:
        maps = model.attention(model.read_image(picture), queries="all").maps
    rollout = np.eye(65)
    for number in sorted(maps):
        mixed = 0.5 * maps[number][0, 0].mean(0, dtype=np.float64) + 0.5 * np.eye(65)
        rollout = mixed / mixed.sum(-1, keepdims=True) @ rollout
    np.testing.assert_allclose(np.load(tmp_path / "3_1.rollout.npy"), rollout[0], rtol=0, atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "3_1.layer-00.map.npy",
        "3_1.layer-00.npy",
        "3_1.layer-00.png",
        "3_1.rollout.npy",
        "3_1.rollout.png",
    ]


def test_windows_have_no_rollout(swin_program: Path, tmp_path: Path) -> None:
    picture = next((EXAMPLES["vit"].parent / "images").glob("3_1.jpg"))
    line = error_line(swin_program, "--attention", tmp_path / "out", "--attention-rollout", picture, code=2)
    assert line.endswith("--attention-rollout was given; layer 0 has none: it attends within windows")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layers, numbers", [("1-3", [1, 2, 3]), ("2", [2]), ("none", [])])
def test_chosen_layers_are_compiled_in(tmp_path: Path, layers: str, numbers: list[int]) -> None:
    program = tmp_path / "model"
    run_ok(VITC, "compile", EXAMPLES["vit"], "-o", program, f"--attention-outputs={layers}")
    info = json.loads(run_ok(program, "--info", "--json"))
    assert [layer["layer"] for layer in info.get("attention", [])] == numbers


def test_layers_that_are_not_there(tmp_path: Path) -> None:
    compile_to = (VITC, "compile", EXAMPLES["vit"], "-o", tmp_path / "model")
    line = error_line(*compile_to, "--attention-outputs=4", code=1)
    assert line.endswith("layers is '4' but the model has 4 attention layers, from 0 on")
    line = error_line(*compile_to, "--attention-outputs=3-1", code=2)
    assert line.endswith("--attention-outputs is '3-1'; needs all, none or numbers such as 0,5-7")
    assert not (tmp_path / "model").exists()
