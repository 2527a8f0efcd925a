# ===- test_text.py - Programs that read text ------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A program's --text gives what the numbers of its tokens give as tensors; what tokens those are the tests of
test/Unit/Import/TokenizerTest.cpp know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness import VITC, error_line, run, run_ok

MODELS = Path(__file__).parent / "data" / "text_models"
# Each vocabulary has less than the 60 tokens of the models; a text of CLIPModel ends with token 50.
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "photo", "of", "cat", "##s", "dog", "!", "cafe"]
CLIP = ["c", "a", "t", "d", "o", "g", "t</w>", "g</w>", "a</w>", "at</w>", "cat</w>", "do", "dog</w>", "!</w>"]
MERGES = ["a t</w>", "c at</w>", "d o", "do g</w>"]
LENGTH = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text")


@pytest.fixture(scope="module")
def bert(folder: Path) -> Path:
    """A program of a text encoder with a vocab.txt."""
    model = folder / "bert"
    shutil.copytree(MODELS / "BertModel", model)
    (model / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    run_ok(VITC, model, "-o", folder / "bert.out", "--march=native", f"--max-length={LENGTH}")
    return folder / "bert.out"


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    """A program of texts and pictures with a vocab.json and a merges.txt."""
    model = folder / "clip"
    shutil.copytree(MODELS / "CLIPModel", model)
    numbers = {text: number for number, text in enumerate([*CLIP, "<|startoftext|>"])} | {"<|endoftext|>": 50}
    (model / "vocab.json").write_text(json.dumps(numbers))
    (model / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{merge}\n" for merge in MERGES))
    run_ok(VITC, model, "-o", folder / "clip.out", "--march=native")
    return folder / "clip.out"


def run_ids(program: Path, folder: Path, **inputs: list[list[int]]) -> dict[str, np.ndarray]:
    """The outputs for tensors."""
    arguments = []
    for name, rows in inputs.items():
        np.save(folder / f"{name}.npy", np.array(rows, np.int64))
        arguments += ["--input", f"{name}={folder / name}.npy"]
    run_ok(program, *arguments, "--output-dir", folder / "expected")
    return {path.stem: np.load(path) for path in (folder / "expected").glob("*.npy")}


def test_text_encoder(bert: Path, tmp_path: Path) -> None:
    texts = ["A photo of CATS!", "dög?", ""]
    arguments = [part for text in texts for part in ("--text", text)]
    # What is empty is no option's value; a space is a text without tokens.
    arguments[-1] = " "
    run_ok(bert, *arguments, "-o", tmp_path / "out")
    ids = [[2, 5, 6, 7, 8, 9, 11, 3], [2, 10, 1, 3], [2, 3]]
    expected = run_ids(
        bert,
        tmp_path,
        input_ids=[row + [0] * (LENGTH - len(row)) for row in ids],
        attention_mask=[[1] * len(row) + [0] * (LENGTH - len(row)) for row in ids],
        token_type_ids=[[0] * LENGTH] * len(ids),
    )
    assert set(expected) == {"last_hidden_state", "pooler_output"}
    for name, values in expected.items():
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{name}.npy"), values)


def test_long_text_is_cut(bert: Path, tmp_path: Path) -> None:
    result = run(bert, "--text", "a " * 20, "-o", tmp_path / "cut", "--json")
    assert result.returncode == 0
    assert result.stderr == f"warning: text 0 has 22 tokens; the model takes {LENGTH}, the rest is cut\n"
    answer = json.loads(result.stdout)
    assert answer["texts"] == 1 and len(answer["files"]) == 2
    run_ok(bert, "--text", "a " * (LENGTH - 2), "-o", tmp_path / "whole")
    for path in (tmp_path / "cut").glob("*.npy"):
        np.testing.assert_array_equal(np.load(path), np.load(tmp_path / "whole" / path.name))


def test_info_names_the_tokenizer(bert: Path) -> None:
    info = json.loads(run_ok(bert, "--info", "--json"))
    assert info["tokenizer"] == f"WordPiece of {len(WORDS)} tokens"
    assert info["max_length"] == LENGTH
    assert f"WordPiece of {len(WORDS)} tokens, {LENGTH} tokens of a text" in run_ok(bert, "--info")


def test_same_program_from_its_ir(bert: Path, folder: Path, tmp_path: Path) -> None:
    run_ok(VITC, folder / "bert", "-o", tmp_path / "bert.mlir", "--compile-to=fuse", f"--max-length={LENGTH}")
    run_ok(VITC, tmp_path / "bert.mlir", "--compile-from=fuse", "-o", tmp_path / "bert.out", "--march=native")
    assert (tmp_path / "bert.out").read_bytes() == bert.read_bytes()


def test_ranks_texts_for_a_picture(clip: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    texts = ["a Cat!", "dog", "a dog"]
    arguments = [part for text in texts for part in ("--text", text)]
    answer = json.loads(run_ok(clip, *arguments, tmp_path / "x.png", "--json"))[0]["texts"]

    run_ok(clip, tmp_path / "x.png", "-o", tmp_path)
    image = next(np.load(path) for path in tmp_path.glob("x*.npy"))
    run_ok(clip, *arguments, "-o", tmp_path / "texts")
    rows = np.load(tmp_path / "texts" / "text_embeds.npy")
    start = len(CLIP)
    ids = [[start, 8, 10, 13, 50], [start, 12, 50], [start, 8, 12, 50]]
    length = json.loads((MODELS / "CLIPModel" / "config.json").read_text())["text_config"]["max_position_embeddings"]
    expected = run_ids(clip, tmp_path, input_ids=[row + [50] * (length - len(row)) for row in ids])
    np.testing.assert_array_equal(rows, expected["text_embeds"])

    cosines = rows @ image
    order = np.argsort(-cosines)
    assert [entry["index"] for entry in answer] == order.tolist()
    assert [entry["text"] for entry in answer] == [texts[index] for index in order]
    scores = np.array([entry["score"] for entry in answer])
    probabilities = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    np.testing.assert_allclose([entry["probability"] for entry in answer], probabilities, rtol=1e-6)
    # The scores are the cosines times one scale.
    np.testing.assert_allclose(np.diff(scores) / np.diff(cosines[order]), [14.285] * 2, rtol=1e-2)


def test_damaged_tokenizer_is_one_error(folder: Path, bert: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(folder / "bert", model)
    (model / "tokenizer.json").write_text('{"model": {"type": "WordLevel", "vocab": {}}}')
    line = error_line(VITC, model, "-o", tmp_path / "x.out", code=1)
    assert line.endswith("tokenizer.json: error: has model 'WordLevel'; vitc has WordPiece, BPE and Unigram")


def test_model_without_tokenizer(tmp_path: Path) -> None:
    run_ok(VITC, MODELS / "BertModel", "-o", tmp_path / "x.out", "--march=native", "--max-length=4")
    line = error_line(tmp_path / "x.out", "--text", "a cat", code=2)
    assert "this model has no tokenizer" in line
