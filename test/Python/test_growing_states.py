# ===- test_growing_states.py - Steps that take and give what came before -===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""People's own decoders, as PyTorch's two exporters write them: a step takes keys and values of all tokens before and
gives them with its own behind. ONNX Runtime runs the same files in a loop that feeds back what it gets; the program,
whose caches lie where they are, needs to say the same with the same scores.
data/growing_states/make_models.py made the models."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from growing_steps import START, Step, change_model, check_prompts, compile_model, search, set_dims
from PIL import Image

from harness import VITC, run_ok

DATA = Path(__file__).parent / "data" / "growing_states"
MODELS = sorted(path.name for path in DATA.iterdir() if path.is_dir())
WRITERS = [name for name in MODELS if not name.startswith("captioner")]
SIDE = 8


def make_pictures(folder: Path, count: int) -> tuple[list[Path], np.ndarray]:
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (count, SIDE, SIDE, 3)) * rng.integers(0, 2, (count, 1, 1, 3))
    pictures = pictures.astype(np.uint8)
    paths = [folder / f"{index}.png" for index in range(count)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    return paths, ((pictures.astype(np.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)


@pytest.fixture(scope="module", params=WRITERS)
def writer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = DATA / request.param
    return compile_model(folder, tmp_path_factory.mktemp("writer") / "program"), folder


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("batch", [1, 7])
def test_writers(tmp_path: Path, writer: tuple[Path, Path], batch: int, beams: int) -> None:
    prompts = [[3 + 2 * item, 20 - item] for item in range(batch)]
    check_prompts(*writer, tmp_path, prompts, beams, length=12)


@pytest.fixture(scope="module", params=["captioner-dynamo", "captioner-torchscript"])
def captioner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = DATA / request.param
    return compile_model(folder, tmp_path_factory.mktemp("captioner") / "program"), folder


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("batch", [1, 7])
def test_captioners(tmp_path: Path, captioner: tuple[Path, Path], batch: int, beams: int) -> None:
    """With the attention to the picture of each token that is said."""
    program, folder = captioner
    paths, pixels = make_pictures(tmp_path, batch)
    maps = tmp_path / "maps"
    output = run_ok(program, "--json", f"--beams={beams}", "--attention", maps, *paths)
    said = set()
    for path, picture, answer in zip(paths, pixels, json.loads(output), strict=True):
        step = Step(folder, picture)
        tokens, score = search(step, [START], beams, length=12)
        assert answer["tokens"] == tokens
        assert answer["score"] == pytest.approx(score, abs=1e-4)
        said.add(tuple(tokens))
        states, expected = step.begin(), []
        for count, token in enumerate([START, *tokens[:-1]]):
            outputs = step(token, states, count)
            states = {name: outputs[name] for name in states}
            expected.append(outputs["alpha"].ravel())
        alpha = np.load(maps / f"{path.stem}.attention.npy")
        np.testing.assert_allclose(alpha, np.array(expected), rtol=0, atol=1e-5)
    assert batch == 1 or len(said) > batch // 2, "the pictures do not tell captions apart"


def test_memory_of_any_size(tmp_path: Path) -> None:
    """What the encoder gives says how many places there are, which the step's file does not."""
    folder = tmp_path / "model"
    shutil.copytree(DATA / "captioner-dynamo", folder)
    change_model(folder, set_dims("memory", "batch", "places", 16))
    program = compile_model(folder, tmp_path / "program")
    paths, pixels = make_pictures(tmp_path, 2)
    answers = json.loads(run_ok(program, "--json", "--beams=3", *paths))
    expected = [search(Step(folder, picture), [START], 3, length=12)[0] for picture in pixels]
    assert [answer["tokens"] for answer in answers] == expected


@pytest.mark.parametrize("name", ["captioner-dynamo", "captioner-torchscript", "stacked-dynamo", "writer-torchscript"])
def test_verifies(name: str) -> None:
    """Encoder, several steps with their caches, and what attends to pictures, against the reference."""
    text = run_ok(VITC, "verify", DATA / name, "--batch=2", "--tolerance=1e-5")
    assert int(re.search(r"and (\d+) outputs agree with the reference", text)[1]) >= 5
