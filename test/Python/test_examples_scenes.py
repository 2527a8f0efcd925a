# ===- test_examples_scenes.py - Captions and answers -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""examples/scenes: what the trained programs say of held-out scenes is right, and what ONNX Runtime says."""

from __future__ import annotations

import importlib
import json
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest

from harness import REPO, VITC, run_ok

FOLDER = REPO / "examples" / "scenes"
NUM_SCENES, NUM_COMPARED = 400, 40


@pytest.fixture(scope="module")
def scenes() -> ModuleType:
    sys.path.append(str(FOLDER))
    try:
        return importlib.import_module("scenes")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def pictures(scenes: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scenes")
    paths = [folder / f"{index}.png" for index in range(NUM_SCENES)]
    for index, path in enumerate(paths):
        scenes.draw(scenes.make_scene(scenes.HELD_OUT + index)).save(path)
    return paths


def compile_program(name: str, factory: pytest.TempPathFactory) -> Path:
    path = factory.mktemp(name) / name
    run_ok(VITC, FOLDER / name, "-o", path, "--march=native")
    return path


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program("caption", tmp_path_factory)


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program("answer", tmp_path_factory)


def generate(name: str, inputs: dict[str, np.ndarray]) -> list[str]:
    """What ONNX Runtime says, step by step, of a batch."""
    folder = FOLDER / name
    manifest = json.loads((folder / "vitc.json").read_text())
    words = (folder / "words.txt").read_text().splitlines()
    encoder, step = (onnxruntime.InferenceSession(folder / manifest[key]) for key in ("encoder", "step"))
    names = [output.name for output in encoder.get_outputs()]
    given = dict(zip(names, encoder.run(names, inputs), strict=True))
    batch = len(inputs["pixel_values"])
    for each in step.get_inputs():
        if each.name not in given and each.name != "token":
            given[each.name] = np.zeros((batch, each.shape[1]), np.float32)
    tokens = np.full((batch, 1), words.index(manifest["start"]))
    while tokens.shape[1] < manifest["max_length"]:
        made = [manifest["scores"], *manifest["states"].values()]
        scores, *states = step.run(made, given | {"token": tokens[:, -1:]})
        given |= dict(zip(manifest["states"], states, strict=True))
        tokens = np.concatenate([tokens, scores.argmax(1)[:, np.newaxis]], 1)
    texts = [" ".join(words[token] for token in row[1:]) for row in tokens]
    return [text.partition(f" {manifest['end']}")[0] for text in texts]


def read_pixels(scenes: ModuleType, seeds: range) -> np.ndarray:
    pixels = np.stack([np.asarray(scenes.draw(scenes.make_scene(seed)), np.float32) for seed in seeds])
    return (pixels / 127.5 - 1).transpose(0, 3, 1, 2)


def test_captions(captioner: Path, pictures: list[Path], scenes: ModuleType) -> None:
    results = [entry["generated"] for entry in json.loads(run_ok(captioner, "--threads", "1", "--json", *pictures))]
    expected = [scenes.make_scene(scenes.HELD_OUT + index).caption for index in range(NUM_SCENES)]
    right = sum(said == wanted for said, wanted in zip(results, expected, strict=True))
    assert right >= 0.95 * NUM_SCENES
    compared = range(scenes.HELD_OUT, scenes.HELD_OUT + NUM_COMPARED)
    assert results[:NUM_COMPARED] == generate("caption", {"pixel_values": read_pixels(scenes, compared)})


def test_answers(answerer: Path, pictures: list[Path], scenes: ModuleType) -> None:
    """A question of each scene; those of one question in one go."""
    questions = [scenes.make_question(scenes.make_scene(scenes.HELD_OUT + index)) for index in range(NUM_SCENES)]
    asked = defaultdict(list)
    for index, question in enumerate(questions):
        asked[question.text].append(index)
    results = [""] * NUM_SCENES
    for text, indices in asked.items():
        output = run_ok(answerer, "--threads", "1", "--json", "--text", text, *(pictures[index] for index in indices))
        for index, entry in zip(indices, json.loads(output), strict=True):
            results[index] = entry["generated"]
    right = sum(said == question.answer for said, question in zip(results, questions, strict=True))
    assert right >= 0.95 * NUM_SCENES
    words = (FOLDER / "answer" / "words.txt").read_text().splitlines()
    length = json.loads((FOLDER / "answer" / "vitc.json").read_text())["text"]["max_length"]
    rows = np.zeros((NUM_COMPARED, length), np.int64)
    for row, question in zip(rows, questions[:NUM_COMPARED], strict=True):
        tokens = [words.index(word) for word in question.text.split()]
        row[: len(tokens)] = tokens
    compared = range(scenes.HELD_OUT, scenes.HELD_OUT + NUM_COMPARED)
    inputs = {"pixel_values": read_pixels(scenes, compared), "question": rows}
    assert results[:NUM_COMPARED] == generate("answer", inputs)


def test_maps_point_at_what_is_named(captioner: Path, pictures: list[Path], scenes: ModuleType, tmp_path: Path) -> None:
    """While a colour, a shape or a place is said, the map's weight is on the shapes of that kind."""
    shown = pictures[:NUM_COMPARED]
    run_ok(captioner, "--threads", "1", "--attention", tmp_path, *shown)
    said = [entry["generated"] for entry in json.loads(run_ok(captioner, "--threads", "1", "--json", *shown))]
    weights, num_right = [], 0
    for index, path in enumerate(shown):
        scene = scenes.make_scene(scenes.HELD_OUT + index)
        if said[index] != scene.caption:
            continue
        num_right += 1
        maps, words = np.load(tmp_path / f"{path.stem}.words.npy"), scene.word_cells
        assert maps.shape == (len(words), 6, 6)
        np.testing.assert_allclose(maps.sum((1, 2)), 1, rtol=0, atol=1e-5)
        by_cell = maps.reshape(-1, 3, 2, 3, 2).sum((2, 4)).reshape(-1, 9)
        weights += [row[list(cells)].sum() for row, cells in zip(by_cell, words, strict=True) if cells]
    assert num_right >= 0.9 * NUM_COMPARED
    assert len(weights) > 2 * NUM_COMPARED
    assert np.mean(np.array(weights) > 0.5) >= 0.95
