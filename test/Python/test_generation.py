# ===- test_generation.py - Hugging Face folders that generate text -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tiny decoders generate what transformers' generate() does.

Each folder of data/generation holds a model with perturbed weights, and in io.npz its inputs, the tokens of a greedy
and a beam search by transformers in f32, the scores of the latter and the logits of each greedy step.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vitc
from harness import VITC, error_line, run, run_ok

MODELS = Path(__file__).parent / "data" / "generation"
NAMES = sorted(path.name for path in MODELS.iterdir())
TOLERANCE = 1e-4
SOURCE_LENGTH = 12  # more than the sources have: they are padded


@pytest.fixture(scope="module", params=NAMES)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A folder's name and its program, compiled once."""
    name = request.param
    program = tmp_path_factory.mktemp("generation") / name
    source = [f"--max-source-length={SOURCE_LENGTH}"] if "attention_mask" in load(name) else []
    run_ok(VITC, "compile", MODELS / name, "--march=native", *source, "-o", program)
    return name, program


def load(name: str) -> dict[str, np.ndarray]:
    with np.load(MODELS / name / "io.npz") as data:
        return dict(data)


def pad(ids: np.ndarray) -> np.ndarray:
    padded = np.zeros((len(ids), SOURCE_LENGTH), ids.dtype)
    padded[:, : ids.shape[1]] = ids
    return padded


def encoder_inputs(name: str) -> dict[str, np.ndarray]:
    """What the encoder reads; nothing for a decoder alone."""
    data = load(name)
    inputs = {key: data[key] for key in ("pixel_values", "input_ids", "attention_mask") if key in data}
    if "attention_mask" in inputs:
        inputs |= {key: pad(inputs[key]) for key in ("input_ids", "attention_mask")}
    return {} if name == "GPT2LMHeadModel" else inputs


def end_token(name: str) -> int:
    config = json.loads((MODELS / name / "config.json").read_text())
    if "text_config" in config:  # of BLIP
        return config["text_config"]["sep_token_id"]
    return json.loads((MODELS / name / "generation_config.json").read_text())["eos_token_id"]


def generate(program: Path, inputs: dict[str, np.ndarray], folder: Path, *options: str) -> dict[str, np.ndarray]:
    arguments = []
    for key, value in inputs.items():
        np.save(folder / f"{key}.npy", value)
        arguments += ["--input", f"{key}={folder / key}.npy"]
    shutil.rmtree(folder / "outputs", ignore_errors=True)
    run_ok(program, *options, *arguments, "--output-dir", folder / "outputs")
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


def assert_same_tokens(actual: np.ndarray, expected: np.ndarray, prompt: int, end: int) -> None:
    """`expected` has the tokens of the prompt and those that end a row, too."""
    assert len(actual) == len(expected)
    for row, all_tokens in zip(actual, expected, strict=True):
        generated = all_tokens[prompt:].tolist()
        if end in generated:
            generated = generated[: generated.index(end)]
        assert row[: len(generated)].tolist() == generated
        assert len(set(row[len(generated) :].tolist())) <= 1  # padding


@pytest.mark.parametrize(("search", "beams"), [("greedy", 1), ("beams", 4)])
def test_tokens(compiled: tuple[str, Path], tmp_path: Path, search: str, beams: int) -> None:
    name, program = compiled
    expected = load(name)
    inputs = encoder_inputs(name) or {"token": expected["input_ids"]}
    actual = generate(program, inputs, tmp_path, f"--beams={beams}", f"--max-length={expected['max_length']}")
    assert_same_tokens(actual["tokens"], expected[f"{search}_tokens"], 1, end_token(name))
    if search == "beams":
        scores = expected["beams_scores"]
        np.testing.assert_allclose(actual["scores"].reshape(scores.shape), scores, rtol=1e-5, atol=TOLERANCE)


def test_logits(compiled: tuple[str, Path], tmp_path: Path) -> None:
    """Of each step of the greedy search, with the caches that the steps before it made."""
    name, _ = compiled
    library = tmp_path / "model.so"
    source = [f"--max-source-length={SOURCE_LENGTH}"] if "attention_mask" in load(name) else []
    run_ok(VITC, "compile", MODELS / name, "--march=native", *source, "-o", library)
    model = vitc.load(library)
    data, inputs = load(name), encoder_inputs(name)
    memory = dict(inputs)
    if "encode" in model.entries:
        memory |= model.run("encode", **inputs)
    tokens, expected = data["greedy_tokens"], data["greedy_logits"]
    assert np.abs(expected).max() > 0.5  # tiny logits would agree with any
    step = model.entries["step"]
    states = {
        info.name: np.zeros((len(tokens), *info.shape[1:]), np.float32)
        for info in step.inputs
        if info.name.startswith("self_")
    }
    names = [info.name for info in step.inputs]
    for position in range(tokens.shape[1] - 1):
        known = {
            "token": tokens[:, position : position + 1].copy(),
            "position": np.array([position]),
            **memory,
            **states,
        }
        logits = model.run("step", **{key: known[key] for key in names})
        assert np.abs(logits - expected[:, position]).max() < TOLERANCE * np.abs(expected).max()


def test_prompt_replaces_the_first_token(tmp_path: Path) -> None:
    name = "GPT2LMHeadModel"
    expected, program = load(name), tmp_path / name
    run_ok(VITC, "compile", MODELS / name, "--march=native", "-o", program)
    prompt = expected["prompt_tokens"][:, :3]
    actual = generate(program, {"token": prompt}, tmp_path, "--beams=1")
    assert_same_tokens(actual["tokens"], expected["prompt_tokens"], 3, end_token(name))


def copy_model(name: str, folder: Path, file: str, **changes: object) -> Path:
    """A copy of a folder with another `file`; a null removes a key."""
    copy = folder / name
    shutil.copytree(MODELS / name, copy)
    content = json.loads((copy / file).read_text()) | changes
    (copy / file).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return copy


@pytest.mark.parametrize(
    ("name", "file", "changes", "message"),
    [
        (
            "MarianMTModel",
            "generation_config.json",
            {"decoder_start_token_id": 80},
            "token 80 is fed to the decoder; it needs to be less than vocab_size = 80",
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"bad_words_ids": [[1, 2]]},
            "bad_words_ids = [[1,2]]; vitc needs single tokens from 0 to 16777216",
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"repetition_penalty": "high"},
            'repetition_penalty = "high"; it needs a number',
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"num_beam_groups": 2},
            "num_beam_groups = 2; vitc has no such search, it needs none",
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"stop_strings": ["."]},
            'stop_strings = ["."]; vitc has no such search, it needs none',
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"token_healing": True},
            "token_healing = true; vitc has no such search, it needs none",
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"dola_layers": "high"},
            'dola_layers = "high"; vitc has no such search, it needs none',
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"decoder_start_token_id": None, "bos_token_id": None},
            "has no decoder_start_token_id and no bos_token_id; a decoder needs a first token",
        ),
        (
            "MarianMTModel",
            "generation_config.json",
            {"max_length": 1},
            "outputs of 1 tokens were asked for; the decoder starts with 1 and needs more",
        ),
        (
            "MarianMTModel",
            "config.json",
            {"d_model": 25},
            "d_model = 25 is not a multiple of encoder_attention_heads = 2",
        ),
        (
            "T5ForConditionalGeneration",
            "config.json",
            {"relative_attention_max_distance": 4},
            "relative_attention_max_distance = 4; it needs to be more than half of relative_attention_num_buckets = 8",
        ),
        (
            "T5ForConditionalGeneration",
            "config.json",
            {"feed_forward_proj": "gated-tanh"},
            "feed_forward_proj = 'tanh'; vitc imports relu, silu, swish, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh "
            "and quick_gelu",
        ),
        (
            "GPT2LMHeadModel",
            "config.json",
            {"architectures": ["GPT2Model"]},
            "architecture is 'GPT2Model'; vitc imports GPT2LMHeadModel of model_type gpt2",
        ),
        (
            "ViT-GPT2",
            "config.json",
            {"decoder": {"model_type": "bert"}},
            "the decoder's model_type = 'bert'; vitc imports gpt2, trocr",
        ),
    ],
)
def test_errors(name: str, file: str, changes: dict[str, object], message: str, tmp_path: Path) -> None:
    folder = copy_model(name, tmp_path, file, **changes)
    assert error_line(VITC, "compile", folder, "-o", tmp_path / "out", code=1).endswith(message)


def test_sampling_is_a_warning(tmp_path: Path) -> None:
    folder = copy_model("MarianMTModel", tmp_path, "generation_config.json", do_sample=True)
    result = run(VITC, "compile", folder, "--march=native", "-O0", "-o", tmp_path / "out")
    assert result.returncode == 0
    assert "warning: do_sample = true; programs choose the most probable tokens" in result.stderr


def test_lengths_need_positions(tmp_path: Path) -> None:
    line = error_line(VITC, "compile", MODELS / "MarianMTModel", "--max-length=49", "-o", tmp_path / "out", code=1)
    assert line.endswith("texts of 49 tokens were asked for; the model has positions for 1 to 48")
    line = error_line(
        VITC, "compile", MODELS / "MarianMTModel", "--max-source-length=0", "-o", tmp_path / "out", code=2
    )
    assert line.endswith("--max-source-length is '0'; needs a number of 1 or more")


def test_computed_positions_have_a_limit(tmp_path: Path) -> None:
    folder = copy_model("MarianMTModel", tmp_path, "config.json", d_model=65536, max_position_embeddings=1 << 20)
    line = error_line(VITC, "compile", folder, f"--max-source-length={1 << 20}", "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "texts of 1048576 tokens with d_model = 65536 need positions of 68719476736 numbers; "
        "vitc computes at most 67108864"
    )


def test_captions_need_room_for_a_prompt(tmp_path: Path) -> None:
    folder = MODELS / "BlipForConditionalGeneration"
    line = error_line(VITC, "compile", folder, "--max-length=2", "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "outputs of 2 tokens were asked for, which leave none to a prompt; a captioner needs 3 or more"
    )
