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
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from harness import VITC, error_line, run_ok

DATA = Path(__file__).parent / "data" / "onnx_generation"
SOURCE_LENGTH = 9


class Reference:
    """A file of an opset that ONNX Runtime does not have, as onnx itself computes it."""

    def __init__(self, path: Path) -> None:
        model = onnx.load(path)
        self.graph, self.evaluator = model.graph, ReferenceEvaluator(model)

    def get_inputs(self) -> list[SimpleNamespace]:
        shapes = {each.name: each.type.tensor_type.shape.dim for each in self.graph.input}
        return [SimpleNamespace(name=name, shape=[dim.dim_value for dim in dims]) for name, dims in shapes.items()]

    def get_outputs(self) -> list[onnx.ValueInfoProto]:
        return list(self.graph.output)

    def run(self, names: None, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        return self.evaluator.run(names, feeds)


def open_session(path: Path) -> onnxruntime.InferenceSession | Reference:
    [opset] = [each.version for each in onnx.load(path).opset_import if not each.domain]
    return Reference(path) if opset > 24 else onnxruntime.InferenceSession(path)


class Decoder:
    """A decoder's files in ONNX Runtime, for one item."""

    def __init__(self, folder: Path, **memory: np.ndarray) -> None:
        names = ("decoder_model_merged", "decoder_model", "model")
        first = next(name for name in names if (folder / f"{name}.onnx").exists())
        self.session = open_session(folder / f"{first}.onnx")
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


def make_attention_decoder(path: Path, **attributes: Any) -> None:
    """Two layers of ONNX's own Attention, whose keys and values of tokens before are its past_key and past_value or,
    with `joins`, are joined with a token's before it. With `biased` each key's place adds to the scores, with `doubles`
    each token has two keys and values."""
    rng = np.random.default_rng(8)
    vocabulary, width, heads, shared, size = 89, 24, 6, 2, 4
    weights, nodes = [], []
    form = {name: attributes.pop(name, False) for name in ("reads_mask", "biased", "joins", "doubles")}

    def add_weight(name: str, *shape: int) -> str:
        values = rng.standard_normal(shape).astype(np.float32) * shape[0] ** -0.5
        weights.append(onnx.numpy_helper.from_array(values, name))
        return name

    def add_node(op: str, inputs: list[str], outputs: list[str], **own: Any) -> str:
        nodes.append(helper.make_node(op, inputs, outputs, name=outputs[0], **own))
        return outputs[0]

    mask = ""
    if form["reads_mask"]:
        axes = onnx.numpy_helper.from_array(np.array([1, 2]), "axes")
        weights.append(axes)
        seen = add_node("Cast", ["attention_mask"], ["seen"], to=onnx.TensorProto.BOOL)
        mask = add_node("Unsqueeze", [seen, "axes"], ["mask"])
    if form["biased"]:
        for name, number in (("first", 0), ("keys", 3)):
            weights.append(onnx.numpy_helper.from_array(np.array([number]), name))
        count = add_node("Shape", ["attention_mask"], ["count"], start=1)
        table = add_weight("biases", 1, heads, 1, 40)
        mask = add_node("Slice", [table, "first", count, "keys"], ["mask"])
    tokens = add_node("Gather", [add_weight("tokens", vocabulary, width), "input_ids"], ["embedded"])
    places = add_node("Gather", [add_weight("places", 40, width), "position_ids"], ["placed"])
    hidden = add_node("Add", [tokens, places], ["hidden"])
    caches = []
    for layer in range(2):
        past = [f"past_key_values.{layer}.{part}" for part in ("key", "value")]
        present = [f"present.{layer}.{part}" for part in ("key", "value")]
        caches += zip(past, present)
        rows = []
        for role, columns in (("q", heads), ("k", shared), ("v", shared)):
            weight = add_weight(f"{role}.{layer}.weight", width, columns * size)
            rows.append(add_node("MatMul", [hidden, weight], [f"{role}.{layer}"]))
        if form["doubles"]:
            rows[1:] = [add_node("Concat", [row, row], [f"{row}.double"], axis=1) for row in rows[1:]]
        if form["joins"]:
            sizes = onnx.numpy_helper.from_array(np.array([0, 0, -1, size]), f"sizes.{layer}")
            weights.append(sizes)
            split = [add_node("Reshape", [row, sizes.name], [f"{row}.split"]) for row in rows]
            rows = [add_node("Transpose", [row], [f"{row}.moved"], perm=[0, 2, 1, 3]) for row in split]
            for index in range(2):
                rows[index + 1] = add_node("Concat", [past[index], rows[index + 1]], [present[index]], axis=2)
            attended = add_node("Attention", rows, [f"heads.{layer}"], **attributes)
            moved = add_node("Transpose", [attended], [f"moved.{layer}"], perm=[0, 2, 1, 3])
            weights.append(onnx.numpy_helper.from_array(np.array([0, 0, heads * size]), f"merged.{layer}"))
            attended = add_node("Reshape", [moved, f"merged.{layer}"], [f"attended.{layer}"])
        else:
            attended = add_node(
                "Attention",
                [*rows, mask, *past],
                [f"attended.{layer}", *present],
                q_num_heads=heads,
                kv_num_heads=shared,
                **attributes,
            )
        added = add_node("MatMul", [attended, add_weight(f"o.{layer}", heads * size, width)], [f"added.{layer}"])
        hidden = add_node("Add", [hidden, added], [f"hidden.{layer}"])
    add_node("MatMul", [hidden, add_weight("head", width, vocabulary)], ["logits"])

    def value(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    integer, number = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    inputs = [value("input_ids", integer, "batch", "sequence"), value("position_ids", integer, "batch", "sequence")]
    if form["reads_mask"] or form["biased"]:
        inputs.append(value("attention_mask", integer, "batch", "past + sequence"))
    inputs += [value(name, number, "batch", shared, "past", size) for name, _ in caches]
    outputs = [value("logits", number, "batch", "sequence", vocabulary)]
    outputs += [value(name, number, "batch", shared, "past + sequence", size) for _, name in caches]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, weights)
    opset = 25 if {"left_window_size", "right_window_size"} & {*attributes} else 23
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", opset)]), path)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"is_causal": 1},
        {"softcap": 2.0},
        {"reads_mask": True},
        {"biased": True, "is_causal": 1},
        {"left_window_size": 3, "is_causal": 1},
        {"right_window_size": 0},
        {"left_window_size": 3, "right_window_size": 1},
        {"is_causal": 1, "softmax_precision": 11},
        {"joins": True},
    ],
    ids=[
        "plain",
        "causal",
        "softcap",
        "mask",
        "biased",
        "left_window",
        "right_window",
        "both_windows",
        "written_out",
        "joined",
    ],
)
def test_attention_with_past(tmp_path: Path, attributes: dict[str, Any]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DATA / "gpt2", folder)
    make_attention_decoder(folder / "model.onnx", **attributes)
    check(folder, tmp_path, {"token": np.array([[5, 7, 11], [60, 3, 80], [33, 2, 44]])}, 16)


def test_attention_without_past(tmp_path: Path) -> None:
    """Without past_key the first key is the query's own, whatever there is behind it."""
    folder = tmp_path / "model"
    shutil.copytree(DATA / "gpt2", folder)
    make_attention_decoder(folder / "model.onnx", joins=True, is_causal=1)
    message = (
        "node 'heads.0' (Attention): has [1*i+1] keys, of which [0] are past_key's, and [1] queries; a window of "
        "keys that grow with each token needs one query behind past_key"
    )
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


def test_attention_of_two_tokens(tmp_path: Path) -> None:
    """Behind past_key there may be one key, as one token comes with each step."""
    folder = tmp_path / "model"
    shutil.copytree(DATA / "gpt2", folder)
    make_attention_decoder(folder / "model.onnx", doubles=True)
    message = (
        "node 'attended.0' (Attention): input 4 has shape [B, 2, 1*i, 4]; its dim 2 must not depend on B, and grow "
        "only where one token comes behind it"
    )
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


@pytest.mark.parametrize("model", ["gpt2", "t5", "marian", "vit-gpt2", "attention"])
def test_reads_tokens_so_far(tmp_path: Path, model: str) -> None:
    """Each attention over a cache has the number of its rows that count, and no mask of them."""
    folder = DATA / model
    if model == "attention":
        folder = tmp_path / "model"
        shutil.copytree(DATA / "gpt2", folder)
        make_attention_decoder(folder / "model.onnx", is_causal=1)
    run_ok(VITC, folder, "--max-length=12", "--compile-to=raise", "-o", tmp_path / "raised.mlir")
    step = (tmp_path / "raised.mlir").read_text().split("func.func @step(")[1].split("func.func")[0]
    lines = step.splitlines()
    over_caches = [line for line in lines if "vit.attention " in line and "key_length(" in line]
    caches = [line for line in lines if "vit.cache_update" in line]
    assert len(over_caches) * 2 == len(caches) > 0
    assert all("mask(" not in line and ("bias(" in line) == (model == "t5") for line in over_caches)


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


def scan_scores(path: Path) -> None:
    """Adds means of rows, times the number of tokens before, in a Scan that takes rows up to a number it hands on."""
    body = onnx.parser.parse_graph("""
    body (int64[1] at, float[B, N, V] p, float[V] row) => (int64[1] next, float[B, N, V] q) {
      part = Mul(row, num_past)
      next = Add(at, scan_one)
      some = Slice(scan_rows, scan_zero, next, scan_zero)
      mean = ReduceMean<axes = [0], keepdims = 0>(some)
      sum = Add(part, mean)
      q = Add(p, sum)
    }""")
    model = onnx.load(path)
    vocabulary = model.graph.output[0].type.tensor_type.shape.dim[2].dim_value
    rows = np.random.default_rng(4).standard_normal((5, vocabulary)).astype(np.float32)
    for name, value in (("scan_rows", rows), ("scan_zero", np.array([0])), ("scan_one", np.array([1]))):
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([2]), "scan_axis"))
    onnx.save(model, path)
    nodes = [
        helper.make_node("Shape", ["past_key_values.0.key"], ["shape_past"]),
        helper.make_node("Gather", ["shape_past", "scan_axis"], ["size_past"]),
        helper.make_node("Cast", ["size_past"], ["num_past"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Scan", ["scan_zero", "before", "scan_rows"], ["at", "logits"], num_scan_inputs=1, body=body),
    ]
    insert_behind(path, "logits", nodes)


def test_unrolled_scan_in_a_step(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DATA / "gpt2", folder)
    scan_scores(folder / "model.onnx")
    check(folder, tmp_path, {"token": np.array([[5, 7, 11], [60, 3, 80], [33, 2, 44]])}, 16)


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


def loop_over_keys(path: Path) -> None:
    """As many iterations as there are tokens before."""
    body = onnx.parser.parse_graph("""
    body (int64 i, bool holds, float[B, N, V] scores) => (bool still, float[B, N, V] same) {
      still = Identity(holds)
      same = Identity(scores)
    }""")
    axis = onnx.numpy_helper.from_array(np.array(2))
    nodes = [
        helper.make_node("Constant", [], ["keys_axis"], value=axis),
        helper.make_node("Shape", ["past_key_values.0.key"], ["keys_shape"]),
        helper.make_node("Gather", ["keys_shape", "keys_axis"], ["num_keys"]),
        helper.make_node("Loop", ["num_keys", "", "before"], ["logits"], name="loop", body=body),
    ]
    insert_behind(path, "logits", nodes)


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
        (
            fix_tokens,
            "state 'past_key_values.0.key' has no size that grows with each token; needs one without a number",
        ),
        (
            lambda path: set_heads(path, 1 << 30),
            f"state 'past_key_values.0.key' has a size of {1 << 30} and room for 40 tokens; needs 1 to {1 << 31} "
            "elements in all",
        ),
        (
            flatten_keys,
            "node 'flatten' (Reshape): input has shape [B, 3, 1*i, 8] and is reshaped to [B, 24*i]; a size that grows "
            "with each token needs to stay apart from those before it",
        ),
        (
            negate_keys,
            "output 'present.0.key' of node 'present.0.key' (Neg) is not 'past_key_values.0.key' with one position "
            "more behind it, by Concat or Attention; a decoder's cache needs to be",
        ),
        (
            loop_over_keys,
            "node 'loop' (Loop): has iterations whose number grows with each token; needs a known number",
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
