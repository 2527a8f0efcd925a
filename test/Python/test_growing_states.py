# ===- test_growing_states.py - Steps that take and give what came before --===#
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
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from harness import VITC, run_ok

DATA = Path(__file__).parent / "data" / "growing_states"
MODELS = sorted(path.name for path in DATA.iterdir() if path.is_dir())
WRITERS = [name for name in MODELS if not name.startswith("captioner")]
START, END, PAD, SIDE = 1, 2, 0, 8


class Step:
    """step.onnx in ONNX Runtime, for one item; what it keeps is what it gave."""

    def __init__(self, folder: Path, pixels: np.ndarray | None = None) -> None:
        self.manifest = json.loads((folder / "vitc.json").read_text())
        self.session = onnxruntime.InferenceSession(folder / "step.onnx")
        self.inputs = {each.name: each for each in self.session.get_inputs()}
        self.memory: dict[str, np.ndarray] = {}
        if pixels is not None:
            encoder = onnxruntime.InferenceSession(folder / "encoder.onnx")
            [self.memory["memory"]] = encoder.run(["memory"], {"pixel_values": pixels[None]})

    def begin(self) -> dict[str, np.ndarray]:
        """States of no token: what has no number is the batch, and before it one, or the tokens."""
        states = {}
        for name in self.manifest["states"]:
            shape = [dim if isinstance(dim, int) else int("batch" in dim) for dim in self.inputs[name].shape]
            states[name] = np.zeros(shape, np.float32)
        return states

    def __call__(self, token: int, states: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """The outputs behind `token`, which has `count` tokens before it, by name; states by their inputs' names."""
        feeds = {"token": np.array([[token]])} | self.memory | states
        if "position" in self.manifest:
            shape = [1 for _ in self.inputs["position"].shape]
            feeds["position"] = np.full(shape, count)
        for name, number in self.manifest.get("masks", {}).items():
            each = self.inputs[name]
            kind = {"tensor(bool)": bool, "tensor(float)": np.float32, "tensor(int64)": np.int64}[each.type]
            feeds[name] = np.full([1] * (len(each.shape) - 1) + [count + 1], number, kind)
        names = [each.name for each in self.session.get_outputs()]
        outputs = dict(zip(names, self.session.run(names, feeds), strict=True))
        return outputs | {name: outputs[output] for name, output in self.manifest["states"].items()}


def get_logs(outputs: dict[str, np.ndarray]) -> np.ndarray:
    logits = outputs["scores"].reshape(-1).astype(np.float64)
    logits -= logits.max()
    return logits - np.log(np.exp(logits).sum())


def search(step: Step, prompt: list[int], beams: int, length: int) -> tuple[list[int], float]:
    """The tokens behind the prompt of the best of as many beams, by the mean of their logarithms, and that."""
    states = step.begin()
    for count, token in enumerate(prompt[:-1]):
        outputs = step(token, states, count)
        states = {name: outputs[name] for name in states}
    running: list[tuple[float, list[int], dict]] = [(0.0, list(prompt), states)]
    ended: list[tuple[float, list[int]]] = []

    def rate(score: float, tokens: list[int]) -> float:
        return score / (len(tokens) - len(prompt))

    while running and len(running[0][1]) < length:
        candidates = []
        for score, tokens, kept in running:
            outputs = step(tokens[-1], kept, len(tokens) - 1)
            after = {name: outputs[name] for name in kept}
            for token, log in enumerate(get_logs(outputs)):
                candidates.append((score + log, [*tokens, token], after))
        candidates.sort(key=lambda candidate: -candidate[0])
        running = []
        for rank, (score, tokens, kept) in enumerate(candidates[: 2 * beams]):
            if tokens[-1] == END and rank < beams:
                ended.append((rate(score, tokens), tokens[len(prompt) : -1]))
            elif tokens[-1] != END and len(running) < beams:
                running.append((score, tokens, kept))
        ended = sorted(ended, key=lambda each: -each[0])[:beams]
        if len(ended) == beams and rate(*running[0][:2]) <= ended[-1][0]:
            break
    else:
        ended += [(rate(score, tokens), tokens[len(prompt) :]) for score, tokens, _ in running]
    best = max(ended, key=lambda each: each[0])
    return best[1], best[0]


def make_pictures(folder: Path, count: int) -> tuple[list[Path], np.ndarray]:
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (count, SIDE, SIDE, 3)) * rng.integers(0, 2, (count, 1, 1, 3))
    pictures = pictures.astype(np.uint8)
    paths = [folder / f"{index}.png" for index in range(count)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    return paths, ((pictures.astype(np.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)


def compile_model(folder: Path, program: Path, *options: str) -> Path:
    run_ok(VITC, folder, "-o", program, "--march=native", "-O1", *options)
    return program


def check_prompts(program: Path, folder: Path, work: Path, prompts: list[list[int]], beams: int, length: int) -> None:
    """Tokens and scores of prompts of one length, together."""
    np.save(work / "token.npy", np.array(prompts))
    options = ["--input", f"token={work / 'token.npy'}", "--output-dir", work / "out", f"--beams={beams}"]
    run_ok(program, *options)
    expected = [search(Step(folder), [START, *prompt], beams, length) for prompt in prompts]
    longest = max(len(tokens) for tokens, _ in expected)
    padded = [tokens + [PAD] * (longest - len(tokens)) for tokens, _ in expected]
    assert np.load(work / "out" / "tokens.npy").tolist() == padded
    np.testing.assert_allclose(np.load(work / "out" / "scores.npy"), [score for _, score in expected], atol=1e-4)
    if len(prompts) > 1:
        assert len({tuple(tokens) for tokens in padded}) > len(prompts) // 2, "the prompts do not tell outputs apart"


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
