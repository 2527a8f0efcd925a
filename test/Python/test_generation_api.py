# ===- test_generation_api.py - CompiledModel.generate -----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What Python generates is what transformers' generate() did; test_generation.py says of which models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_generation import MODELS, assert_same_tokens, encoder_inputs, end_token, load

import vitc
from harness import SIGNDIGITS

NAMES = ["MarianMTModel", "ViT-GPT2", "GPT2LMHeadModel"]


@pytest.fixture(scope="module", params=NAMES)
def compiled(request: pytest.FixtureRequest) -> Iterator[tuple[str, vitc.CompiledModel]]:
    name = request.param
    source = 12 if "attention_mask" in load(name) else None
    with vitc.compile(MODELS / name, max_source_length=source, target=None) as model:
        yield name, model


def generate(name: str, model: vitc.CompiledModel, **options: object) -> list[vitc.Generated]:
    """For all items; a decoder alone goes on from the first token of each."""
    inputs = encoder_inputs(name)
    if inputs:
        return model.generate(**inputs, **options)
    prompts = load(name)["input_ids"]
    return [item for prompt in prompts for item in model.generate(prompt=prompt, **options)]


def pad(generated: list[vitc.Generated]) -> np.ndarray:
    longest = max(len(item.tokens) for item in generated)
    return np.array([[*item.tokens, *[-1] * (longest - len(item.tokens))] for item in generated])


@pytest.mark.parametrize(("search", "beams"), [("greedy", 1), ("beams", 4)])
def test_tokens(compiled: tuple[str, vitc.CompiledModel], search: str, beams: int) -> None:
    name, model = compiled
    expected = load(name)
    generated = generate(name, model, beams=beams, max_length=int(expected["max_length"]))
    assert_same_tokens(pad(generated), expected[f"{search}_tokens"], 1, end_token(name))
    assert all(item.text is None and item.attention is None for item in generated)
    assert all(item.token_scores.shape == item.tokens.shape for item in generated)
    if search == "beams":
        scores = np.array([item.score for item in generated])
        np.testing.assert_allclose(scores, expected["beams_scores"].reshape(scores.shape), rtol=1e-5, atol=1e-4)


def test_scores_of_tokens(compiled: tuple[str, vitc.CompiledModel]) -> None:
    """Up to the maximum length there is no end token, but Marian's, which is forced: without a penalty the score is the
    sum of the tokens' and of the end token's."""
    name, model = compiled
    item = generate(name, model, beams=1, max_length=5, min_length=5, length_penalty=0.0)[0]
    assert (item.token_scores < 0).all()
    total = item.token_scores.sum()
    if name == "MarianMTModel":
        assert len(item.tokens) == 3
        assert item.score < total
    else:
        assert len(item.tokens) == 4
        np.testing.assert_allclose(total, item.score, rtol=1e-5)


def test_attention(compiled: tuple[str, vitc.CompiledModel]) -> None:
    name, model = compiled
    if name == "GPT2LMHeadModel":
        with pytest.raises(vitc.UnsupportedError):
            model.generate(prompt=[1], attention=True)
        return
    for item in generate(name, model, beams=4, max_length=8, attention=True):
        assert item.attention is not None
        assert item.attention.shape[0] == len(item.tokens)
        np.testing.assert_allclose(item.attention.sum(1), 1, rtol=1e-5)


def test_tokens_are_told(compiled: tuple[str, vitc.CompiledModel]) -> None:
    name, model = compiled
    first = {key: value[:1] for key, value in encoder_inputs(name).items()}
    prompt = None if first else [3, 4]
    told: list[int] = []
    (item,) = model.generate(prompt=prompt, max_length=9, on_token=told.append, **first)
    assert told == item.tokens.tolist()


def test_options_are_checked(compiled: tuple[str, vitc.CompiledModel]) -> None:
    name, model = compiled
    for options, message in [
        ({"beams": 0}, "beams are 0; needs 1 to 1024"),
        ({"max_length": 1000}, "the maximum length is 1000 tokens; the model needs 1 to"),
        ({"early_stopping": "soon"}, "early_stopping is 'soon'; False, True or 'never' is needed"),
        ({"length_penalty": float("inf")}, "length_penalty is inf; needs a finite number"),
    ]:
        with pytest.raises(vitc.InvalidArgumentError, match=message):
            generate(name, model, **options)
    with pytest.raises(vitc.UnsupportedError, match="the model has no tokenizer"):
        model.generate(text="a")
    if name == "GPT2LMHeadModel":
        with pytest.raises(vitc.InvalidArgumentError, match="inputs are given; the model generates from a prompt"):
            model.generate(np.zeros((1, 1), np.int64))
    else:
        with pytest.raises(vitc.InvalidArgumentError, match="is missing; its shape is"):
            model.generate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": [-1]}, "the prompt has token -1; needs 0 to"),
        ({"prompt": [10**9]}, "the prompt has token 1000000000; needs 0 to"),
        ({"prompt": [[3, 4]]}, r"prompt is int64 of shape \[1, 2\]; integers \[tokens\] are needed"),
        ({"prompt": [3.5]}, r"prompt is float64 of shape \[1\]; integers \[tokens\] are needed"),
        ({"prompt": [[3], [4, 5]]}, r"integers \[tokens\] are needed"),
        ({"beams": 2**32 + 1}, "beams is 4294967297; an integer of 32 bits is needed"),
        ({"beams": 1.5}, "beams is 1.5; an integer is needed"),
        ({"max_length": 2**64}, "max_length is 18446744073709551616; an integer of 64 bits is needed"),
        ({"length_penalty": "long"}, "length_penalty is 'long'; a number is needed"),
        ({"length_penalty": 10**400}, "length_penalty is inf; needs a finite number"),
    ],
)
def test_wrong_arguments(compiled: tuple[str, vitc.CompiledModel], options: dict[str, object], message: str) -> None:
    name, model = compiled
    first = {key: value[:1] for key, value in encoder_inputs(name).items()}
    with pytest.raises(vitc.InvalidArgumentError, match=message):
        model.generate(**first, **options)


def test_strided_prompt(compiled: tuple[str, vitc.CompiledModel]) -> None:
    name, model = compiled
    first = {key: value[:1] for key, value in encoder_inputs(name).items()}
    (expected,) = model.generate(prompt=[3, 4], max_length=9, **first)
    (item,) = model.generate(prompt=np.array([3, 7, 4, 7], np.int32)[::2], max_length=9, **first)
    assert item.tokens.tolist() == expected.tokens.tolist()


def test_maps_of_a_step(compiled: tuple[str, vitc.CompiledModel]) -> None:
    name, model = compiled
    with pytest.raises(vitc.UnsupportedError, match="their attention needs generate"):
        model.attention(**encoder_inputs(name))


def test_on_token_cannot_call_the_model(compiled: tuple[str, vitc.CompiledModel]) -> None:
    name, model = compiled
    first = {key: value[:1] for key, value in encoder_inputs(name).items()}
    refused: list[str] = []

    def call(_: int) -> np.ndarray:
        with pytest.raises(vitc.InvalidArgumentError) as caught:
            model.generate(prompt=[3], **first)
        refused.append(str(caught.value))
        return np.zeros(2)  # A result has no meaning, nor a truth.

    (item,) = model.generate(prompt=[3, 4], max_length=9, on_token=call, **first)
    message = "the model is called from on_token; another loaded model is needed for that"
    assert refused == [message] * len(item.tokens)


def test_model_without_generation() -> None:
    message = "the model generates no tokens; needs one that does"
    with vitc.compile(SIGNDIGITS / "model") as model, pytest.raises(vitc.UnsupportedError, match=message):
        model.generate(np.zeros((1, 3, 32, 32), np.float32))


def test_text(tmp_path: Path) -> None:
    """Text goes on from text, by a vocabulary of a letter a token."""
    name = "GPT2LMHeadModel"
    folder = tmp_path / name
    shutil.copytree(MODELS / name, folder)
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    letters = [chr(code) for code in range(ord("!"), ord("!") + size - 3)]
    vocabulary = {token: index for index, token in enumerate(["<|endoftext|>", "<s>", "</s>", *letters])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    with vitc.compile(folder) as model:
        text = "ab"
        prompt = [vocabulary[letter] for letter in text]
        (expected,) = model.generate(prompt=prompt, max_length=8)
        (item,) = model.generate(text=text, max_length=8)
        assert item.tokens.tolist() == expected.tokens.tolist()
        spelled = {index: token for token, index in vocabulary.items()}
        assert item.text == "".join(spelled[token] for token in item.tokens if token > 2)
        with pytest.raises(vitc.InvalidArgumentError, match="text has a NUL at 1; text without one is needed"):
            model.generate(text="a\0b")
        with pytest.raises(vitc.InvalidArgumentError, match="one text without a prompt is needed"):
            model.generate(text=["a", "b"])
