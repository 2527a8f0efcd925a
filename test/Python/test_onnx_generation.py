# ===- test_onnx_generation.py - Folders of ONNX files that generate -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Models that optimum 2.3 exported: an encoder, and a decoder that gets the keys and values of all tokens before, that
gets none, or both in one file. ONNX Runtime runs the same files step by step; the program, whose caches lie where they
are, needs to choose the same tokens."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from harness import VITC, error_line, run_ok

DATA = Path(__file__).parent / "data" / "onnx_generation"
SOURCE_LENGTH = 9


class Decoder:
    """A decoder's files in ONNX Runtime, for one item."""

    def __init__(self, folder: Path, **memory: np.ndarray) -> None:
        names = ("decoder_model_merged", "decoder_model", "model")
        first = next(name for name in names if (folder / f"{name}.onnx").exists())
        self.session = onnxruntime.InferenceSession(folder / f"{first}.onnx")
        with_past = folder / "decoder_with_past_model.onnx"
        self.with_past = onnxruntime.InferenceSession(with_past) if with_past.exists() else self.session
        self.memory, self.tokens, self.past = memory, [], {}
        self.merged = first != "decoder_model"

    def step(self, token: int) -> np.ndarray:
        """The scores behind `token`."""
        self.tokens.append(token)
        session = self.with_past if self.past else self.session
        ids = self.tokens if not self.merged and self.with_past is self.session else [token]
        feeds: dict[str, np.ndarray] = {"input_ids": np.array([ids])} | self.memory | self.past
        inputs = {each.name: each for each in session.get_inputs()}
        for name, each in inputs.items():
            if name == "use_cache_branch":
                feeds[name] = np.array([bool(self.past)])
            elif name == "attention_mask":
                feeds[name] = np.ones((1, len(self.tokens)), np.int64)
            elif name == "position_ids":
                feeds[name] = np.array([[len(self.tokens) - 1]])
            elif name.startswith("past_key_values.") and name not in feeds:
                feeds[name] = np.zeros((1, each.shape[1], 0, each.shape[3]), np.float32)
        is_first = not self.past
        outputs = session.run(None, {name: value for name, value in feeds.items() if name in inputs})
        for each, value in zip(session.get_outputs(), outputs):
            if each.name.startswith("present.") and (is_first or "encoder" not in each.name):
                self.past[each.name.replace("present.", "past_key_values.")] = value
        return outputs[0][0, -1].copy()


def generate(decoder: Decoder, config: dict[str, Any], prompt: list[int], max_length: int) -> list[int]:
    """The likeliest token again and again, as generation_config.json has it."""
    end, tokens = config["eos_token_id"], list(prompt)
    for token in prompt[:-1]:
        decoder.step(token)
    while len(tokens) < max_length:
        scores = decoder.step(tokens[-1])
        for [token] in config.get("bad_words_ids", []):
            scores[token] = -np.inf
        if len(tokens) < config.get("min_length", 0):
            scores[end] = -np.inf
        is_last = len(tokens) == max_length - 1 and "forced_eos_token_id" in config
        token = config["forced_eos_token_id"] if is_last else int(scores.argmax())
        if token == end:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


def encode(folder: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    [hidden] = onnxruntime.InferenceSession(folder / "encoder_model.onnx").run(["last_hidden_state"], inputs)
    masks = {"encoder_attention_mask": inputs["attention_mask"]} if "attention_mask" in inputs else {}
    return {"encoder_hidden_states": hidden} | masks


def run_program(program: Path, folder: Path, inputs: dict[str, np.ndarray], *options: str) -> list[list[int]]:
    arguments: list[str] = []
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        arguments += ["--input", f"{name}={folder / name}.npy"]
    run_ok(program, *arguments, "--output-dir", folder / "results", *options)
    return np.load(folder / "results" / "tokens.npy").tolist()


def check(source: Path, folder: Path, inputs: dict[str, np.ndarray], max_length: int, *options: str) -> None:
    """Greedy tokens of the program are ONNX Runtime's, for each item of a batch."""
    program = folder / "program"
    run_ok(VITC, source, "-o", program, "--march=native", "-O0", f"--max-length={max_length}", *options)
    config = json.loads((source / "generation_config.json").read_text())
    expected = []
    for index in range(len(next(iter(inputs.values())))):
        item = {name: rows[index : index + 1] for name, rows in inputs.items()}
        prompt = item["token"][0].tolist() if "token" in item else [config["decoder_start_token_id"]]
        memory = {} if "token" in item else encode(source, item)
        expected.append(generate(Decoder(source, **memory), config, prompt, max_length))
    assert len({tuple(tokens) for tokens in expected}) > 1, "the items do not tell outputs apart"
    longest, pad = max(map(len, expected)), config["pad_token_id"]
    padded = [tokens + [pad] * (longest - len(tokens)) for tokens in expected]
    assert run_program(program, folder, inputs, "--beams", "1") == padded


def make_texts(vocabulary: int, *, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = rng.integers(2, vocabulary - 2, (3, SOURCE_LENGTH))
    mask = np.ones_like(ids)
    ids[1, 5:], mask[1, 5:] = 0, 0
    return {"input_ids": ids, "attention_mask": mask}


def test_decoder_alone(tmp_path: Path) -> None:
    check(DATA / "gpt2", tmp_path, {"token": np.array([[5, 7, 11], [60, 3, 80], [33, 2, 44]])}, 16)


def test_decoder_of_one_file(tmp_path: Path) -> None:
    check(DATA / "t5", tmp_path, make_texts(80, seed=1), 14, f"--max-source-length={SOURCE_LENGTH}")


def test_decoder_of_two_files(tmp_path: Path) -> None:
    check(DATA / "marian", tmp_path, make_texts(60, seed=2), 14, f"--max-source-length={SOURCE_LENGTH}")


def test_decoder_without_past(tmp_path: Path) -> None:
    source = tmp_path / "model"
    shutil.copytree(DATA / "marian", source, ignore=lambda *_: ["decoder_with_past_model.onnx"])
    check(source, tmp_path, make_texts(60, seed=2), 14, f"--max-source-length={SOURCE_LENGTH}")


def test_decoder_of_pictures(tmp_path: Path) -> None:
    size = json.loads((DATA / "vit-gpt2" / "config.json").read_text())["encoder"]["image_size"]
    pixels = np.random.default_rng(3).standard_normal((2, 3, size, size)).astype(np.float32) * 2
    check(DATA / "vit-gpt2", tmp_path, {"pixel_values": pixels}, 12)


def change_names(path: Path, old: str, new: str) -> None:
    model = onnx.load(path)
    for each in [*model.graph.input, *model.graph.output]:
        each.name = each.name.replace(old, new)
    for node in model.graph.node:
        node.input[:] = [name.replace(old, new) for name in node.input]
        node.output[:] = [name.replace(old, new) for name in node.output]
    onnx.save(model, path)


def fix_tokens(path: Path) -> None:
    model = onnx.load(path)
    for each in model.graph.input:
        if each.name.startswith("past_key_values."):
            each.type.tensor_type.shape.dim[2].dim_value = 4
    onnx.save(model, path)


def set_heads(path: Path, heads: int) -> None:
    model = onnx.load(path)
    for each in model.graph.input:
        if each.name.startswith("past_key_values."):
            each.type.tensor_type.shape.dim[1].dim_value = heads
    onnx.save(model, path)


def insert_behind(path: Path, name: str, nodes: list[onnx.NodeProto]) -> None:
    """What `name` was goes to the nodes, as `before`, whose last makes it."""
    model = onnx.load(path)
    for node in model.graph.node:
        node.output[:] = ["before" if each == name else each for each in node.output]
        node.input[:] = ["before" if each == name else each for each in node.input]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def flatten_keys(path: Path) -> None:
    """[B, 3, past, 8] as [B, 3 * past * 8], the values added to the scores."""
    sizes = onnx.numpy_helper.from_array(np.array([0, -1], np.int64))
    nodes = [
        helper.make_node("Constant", [], ["flat_sizes"], value=sizes),
        helper.make_node("Reshape", ["past_key_values.0.key", "flat_sizes"], ["flat"], name="flatten"),
        helper.make_node("Softmax", ["flat"], ["weights"]),
        helper.make_node("Add", ["before", "weights"], ["logits"]),
    ]
    insert_behind(path, "logits", nodes)


def negate_keys(path: Path) -> None:
    insert_behind(path, "present.0.key", [helper.make_node("Neg", ["before"], ["present.0.key"])])


def average_keys(path: Path) -> None:
    """One more op reads keys of all tokens."""
    model = onnx.load(path)
    nodes = [
        helper.make_node("ReduceMean", ["present.0.key"], ["mean"], name="mean", keepdims=0),
        helper.make_node("Add", ["logits", "mean"], ["shifted"]),
    ]
    model.graph.node.extend(nodes)
    [logits] = [each for each in model.graph.output if each.name == "logits"]
    for node in model.graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
        node.input[:] = ["scores" if name == "logits" else name for name in node.input]
        node.output[:] = ["logits" if name == "shifted" else name for name in node.output]
    assert logits.name == "logits"
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: change_names(path, "input_ids", "ids"), "has no input 'input_ids'; a decoder needs it"),
        (lambda path: change_names(path, "logits", "scores"), "has no output 'logits'; a decoder needs it"),
        (
            lambda path: change_names(path, "present.0.key", "present.0.keys"),
            "has an input 'past_key_values.0.key' and no output 'present.0.key'; a step needs the next value of each",
        ),
        (fix_tokens, "has a fixed number of tokens; needs one with a name, [batch, heads, tokens, width]"),
        (
            lambda path: set_heads(path, 1 << 62),
            f"'past_key_values.0.key' has {1 << 62} heads of 8 for 40 tokens; needs at most {1 << 31} elements",
        ),
        (
            flatten_keys,
            "node 'flatten' (Reshape): input has shape [B, 3, 1*i, 8] and is reshaped to [B, 24*i]; a size that grows "
            "with each token needs to stay apart from those before it",
        ),
        (
            negate_keys,
            "output 'present.0.key' is not 'past_key_values.0.key' with one position more behind it, by Concat",
        ),
        (average_keys, "node 'mean' (ReduceMean): reads a tensor that grows with each token; needs to be an op that"),
    ],
)
def test_errors(tmp_path: Path, change: Any, message: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DATA / "gpt2", folder)
    change(folder / "model.onnx")
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


def test_needs_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DATA / "marian", folder, ignore=lambda *_: ["encoder_model.onnx"])
    message = "reads the states of an encoder, and the folder has no encoder_model.onnx"
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


def slice_last(path: Path) -> None:
    """The scores of the last token alone, [B, V]."""
    last = onnx.numpy_helper.from_array(np.array(-1, np.int64))
    nodes = [
        helper.make_node("Constant", [], ["last"], value=last),
        helper.make_node("Gather", ["before", "last"], ["logits"], axis=1),
    ]
    insert_behind(path, "logits", nodes)


def test_scores_of_all_tokens(tmp_path: Path) -> None:
    """A decoder without past gives scores behind each token."""
    folder = tmp_path / "model"
    shutil.copytree(DATA / "marian", folder, ignore=lambda *_: ["decoder_with_past_model.onnx"])
    slice_last(folder / "decoder_model.onnx")
    message = "output 'logits' has shape [B, 60] where the tokens are 12; needs [batch, tokens, vocabulary]"
    options = ["--max-length=12", f"--max-source-length={SOURCE_LENGTH}"]
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", *options, code=1)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--shape=batch_size=2", "--shape was given; ONNX files with a config.json take --batch, --image-size, "),
        ("--max-length=1", "outputs of 1 tokens were asked for; the decoder starts with 1 and needs more"),
        ("--max-length=4096", "texts of 4096 tokens were asked for; the model has positions for 1 to 40"),
    ],
)
def test_refuses_options(tmp_path: Path, option: str, message: str) -> None:
    assert message in error_line(VITC, DATA / "gpt2", option, "-o", tmp_path / "out", code=1)


def test_needs_preprocessing_of_pictures(tmp_path: Path) -> None:
    """Where the encoder is of a kind whose pictures vitc knows nothing of."""
    folder = tmp_path / "model"
    shutil.copytree(DATA / "vit-gpt2", folder)
    config = json.loads((folder / "config.json").read_text())
    config["encoder"]["model_type"] = "convnext"
    (folder / "config.json").write_text(json.dumps(config))
    message = "no preprocessor_config.json, and model_type = 'convnext' has no defaults; it needs one with "
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


def test_needs_decoder_of_first_token(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DATA / "marian", folder, ignore=lambda *_: ["decoder_model.onnx"])
    message = "has decoder_with_past_model.onnx and no decoder_model.onnx, which computes keys and values"
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)
