# ===- test_generation_folder.py - encoder.onnx, step.onnx and vitc.json --===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A captioner and one that answers questions, as people export them: two graphs and a manifest. ONNX Runtime runs the
two graphs step by step; the program needs to say the same words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from harness import REPO, VITC, error_line, run, run_ok

FIXTURES = Path(os.environ.get("VITC_FIXTURES", ""), "real")

WORDS = ["<pad>", "<start>", "<end>", "<unk>", "a", "red", "blue", "circle", "square", "and", "two", "left"]
PAD, START, END, UNKNOWN = range(4)
SIZE, PLACES, WIDTH, MAX_TOKENS, MAX_QUESTION = 8, 4, 16, 9, 5
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]


class GraphBuilder:
    """Nodes and weights of a graph."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        name = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, name: str, *shape: int, scale: float = 1.0) -> str:
        self.weights.append(numpy_helper.from_array((scale * self.rng.standard_normal(shape)).astype(np.float32), name))
        return name

    def constant(self, name: str, values: list[int]) -> str:
        self.weights.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def save(self, path: Path, inputs: list[Any], outputs: list[Any]) -> None:
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def tensor(name: str, *shape: int, ids: bool = False) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64 if ids else TensorProto.FLOAT, ["batch", *shape])


def make_encoder(path: Path, *, asks: bool) -> None:
    """map [B, 4, 16] of the picture; the first state is of the picture or the sum of the question's words."""
    g = GraphBuilder(0)
    flat = g.op("Flatten", "pixel_values")
    rows = g.op("MatMul", flat, g.weight("w", 3 * SIZE * SIZE, PLACES * WIDTH, scale=0.08))
    g.op("Reshape", rows, g.constant("shape", [-1, PLACES, WIDTH]), output="map")
    if asks:
        embedded = g.op("Gather", g.weight("words", len(WORDS), WIDTH), "question")
        g.op("ReduceSum", embedded, g.constant("axis", [1]), output="state", keepdims=0)
    else:
        g.op("MatMul", flat, g.weight("first", 3 * SIZE * SIZE, WIDTH, scale=0.1), output="state")
    inputs = [tensor("pixel_values", 3, SIZE, SIZE)] + [tensor("question", MAX_QUESTION, ids=True)] * asks
    g.save(path, inputs, [tensor("map", PLACES, WIDTH), tensor("state", WIDTH)])


def make_step(path: Path) -> None:
    """h' = tanh(W e + U h), attention by it over the map, scores of both. Weight names are those of the encoder's."""
    g = GraphBuilder(1)
    token = g.op("Squeeze", "token", g.constant("axis", [1]))
    embedded = g.op("Gather", g.weight("words", len(WORDS), WIDTH), token)
    mixed = g.op(
        "Add",
        g.op("MatMul", embedded, g.weight("w", WIDTH, WIDTH, scale=0.5)),
        g.op("MatMul", "hidden", g.weight("u", WIDTH, WIDTH, scale=0.3)),
    )
    hidden = g.op("Tanh", mixed, output="hidden_next")
    row = g.op("Unsqueeze", hidden, "axis")
    scores = g.op("MatMul", row, g.op("Transpose", "map", perm=[0, 2, 1]))
    context = g.op("Squeeze", g.op("MatMul", g.op("Softmax", scores, axis=-1, output="alpha"), "map"), "axis")
    both = g.op("Concat", hidden, context, axis=1)
    g.op("MatMul", both, g.weight("out", 2 * WIDTH, len(WORDS)), output="scores")
    g.op("ReduceMax", "scores", output="flat", axes=[1], keepdims=0)
    inputs = [tensor("token", 1, ids=True), tensor("hidden", WIDTH), tensor("map", PLACES, WIDTH)]
    outputs = [tensor("scores", len(WORDS)), tensor("hidden_next", WIDTH), tensor("alpha", 1, PLACES), tensor("flat")]
    g.save(path, inputs, outputs)


def make_manifest(*, asks: bool) -> dict[str, Any]:
    manifest = {
        "encoder": "encoder.onnx",
        "step": "step.onnx",
        "token": "token",
        "scores": "scores",
        "states": {"hidden": "hidden_next"},
        "memory": {"hidden": "state"},
        "words": "words.txt",
        "unknown": "<unk>",
        "start": "<start>",
        "end": ["<end>"],
        "pad": PAD,
        "max_length": MAX_TOKENS,
        "mean": MEAN,
        "std": STD,
    }
    return manifest | ({"text": {"ids": "question", "max_length": MAX_QUESTION}} if asks else {})


def make_folder(folder: Path, *, asks: bool) -> Path:
    folder.mkdir(parents=True)
    make_encoder(folder / "encoder.onnx", asks=asks)
    make_step(folder / "step.onnx")
    (folder / "words.txt").write_text("".join(f"{word}\n" for word in WORDS))
    (folder / "vitc.json").write_text(json.dumps(make_manifest(asks=asks)))
    return folder


def generate(folder: Path, **inputs: np.ndarray) -> list[tuple[list[int], str]]:
    """ONNX Runtime's greedy choices, one picture at a time, and what they say."""
    encoder, step = (onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("encoder", "step"))
    results = []
    for index in range(len(inputs["pixel_values"])):
        features, hidden = encoder.run(
            ["map", "state"], {name: rows[index : index + 1] for name, rows in inputs.items()}
        )
        tokens = [START]
        while len(tokens) < MAX_TOKENS and tokens[-1] != END:
            feeds = {"token": np.array([[tokens[-1]]]), "hidden": hidden, "map": features}
            scores, hidden = step.run(["scores", "hidden_next"], feeds)
            tokens.append(int(scores[0].argmax()))
        chosen = [token for token in tokens[1:] if token != END]
        text = " ".join(WORDS[token] for token in chosen if token not in (PAD, START, UNKNOWN))
        results.append((chosen, text))
    return results


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(2)
    paths = [folder / f"{index}.png" for index in range(6)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).save(path)
    return paths


def read_pixels(pictures: list[Path]) -> np.ndarray:
    pixels = np.stack([np.asarray(Image.open(path), np.float32) / 255 for path in pictures])
    return ((pixels - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)


def read_results(output: str) -> list[tuple[list[int], str]]:
    return [(entry["tokens"], entry["generated"]) for entry in json.loads(output)]


def test_captions(tmp_path: Path, pictures: list[Path]) -> None:
    folder = make_folder(tmp_path / "captioner", asks=False)
    run_ok(VITC, folder, "-o", tmp_path / "caption", "--march=native")
    expected = generate(folder, pixel_values=read_pixels(pictures))
    assert len({text for _, text in expected}) > 3, "the pictures do not tell captions apart"
    assert read_results(run_ok(tmp_path / "caption", "--json", *pictures)) == expected


def test_answers(tmp_path: Path, pictures: list[Path]) -> None:
    folder = make_folder(tmp_path / "asker", asks=True)
    run_ok(VITC, folder, "-o", tmp_path / "answer", "--march=native")
    ids = [WORDS.index("blue"), WORDS.index("circle"), UNKNOWN, PAD, PAD]
    question = np.tile(np.array(ids, np.int64), (len(pictures), 1))
    expected = generate(folder, pixel_values=read_pixels(pictures), question=question)
    output = run_ok(tmp_path / "answer", "--json", "--text", "blue circle nowhere", *pictures)
    assert read_results(output) == expected


def test_hash_is_of_all_files(tmp_path: Path) -> None:
    """Another step is another program."""
    folder = make_folder(tmp_path / "model", asks=False)
    hashes = set()
    for scale in (1, 2):
        step = onnx.load(folder / "step.onnx")
        for weight in step.graph.initializer:
            if weight.name == "out":
                weight.CopyFrom(numpy_helper.from_array(scale * numpy_helper.to_array(weight), "out"))
        onnx.save(step, folder / "step.onnx")
        run_ok(VITC, folder, "-o", tmp_path / "caption", "--march=native", "-O0")
        hashes.add(json.loads(run_ok(tmp_path / "caption", "--info", "--json"))["source_hash"])
    assert len(hashes) == 2


def test_inputs_of_no_kind(tmp_path: Path, pictures: list[Path]) -> None:
    folder = make_folder(tmp_path / "asker", asks=True)
    (folder / "vitc.json").write_text(json.dumps(make_manifest(asks=False)))
    run_ok(VITC, folder, "-o", tmp_path / "answer", "--march=native", "-O0")
    line = error_line(tmp_path / "answer", pictures[0], code=1)
    assert line.endswith("input 'question' is neither the picture nor of a text; use --input and --output-dir")


LETTERS = "_abcdefgh?"  # of the texts that a speller reads, the first of which pads
SOUNDS = ["<pad>", "</s>", "ka", "ki", "ku", "ke", "ko", "n"]
MAX_LETTERS, MAX_SOUNDS = 5, 6


def make_speller(folder: Path) -> Path:
    """One graph that gives all tokens, here at once."""
    folder.mkdir(parents=True)
    g = GraphBuilder(24)
    flat = g.op("Flatten", g.op("Gather", g.weight("letters", len(LETTERS), WIDTH), "src"))
    rows = g.op("MatMul", flat, g.weight("w", MAX_LETTERS * WIDTH, MAX_SOUNDS * len(SOUNDS)))
    g.op("Reshape", rows, g.constant("shape", [-1, MAX_SOUNDS, len(SOUNDS)]), output="logits")
    g.op("ArgMax", "logits", output="ids", axis=2, keepdims=0)
    outputs = [tensor("logits", MAX_SOUNDS, len(SOUNDS)), tensor("ids", MAX_SOUNDS, ids=True)]
    g.save(folder / "speller.onnx", [tensor("src", MAX_LETTERS, ids=True)], outputs)
    (folder / "letters.txt").write_text("".join(f"{letter}\n" for letter in LETTERS))
    (folder / "sounds.txt").write_text("".join(f"{sound}\n" for sound in SOUNDS))
    (folder / "vitc.json").write_text(json.dumps(SPELLER))
    return folder


SPELLER = {
    "encoder": "speller.onnx",
    "tokens": "ids",
    "characters": "sounds.txt",
    "end": "</s>",
    "pad": "<pad>",
    "text": {"ids": "src", "max_length": MAX_LETTERS, "characters": "letters.txt", "pad": "_", "unknown": "?"},
}


def test_tokens(tmp_path: Path) -> None:
    """A model that gives tokens: what they say, up to the end."""
    folder = make_speller(tmp_path / "model")
    run_ok(VITC, folder, "-o", tmp_path / "spell", "--march=native", "-O0")
    session = onnxruntime.InferenceSession(folder / "speller.onnx")
    words = ["a", "bad", "cab", "face", "badge", "z"]
    expected = []
    for word in words:
        letters = [letter if letter in LETTERS else "?" for letter in word.ljust(MAX_LETTERS, "_")]
        [ids] = session.run(["ids"], {"src": np.array([[LETTERS.index(letter) for letter in letters]])})
        tokens = ids[0].tolist()
        tokens = tokens[: tokens.index(1)] if 1 in tokens else tokens
        expected.append((tokens, "".join(SOUNDS[token] for token in tokens if token > 1)))
    assert len({len(tokens) for tokens, _ in expected}) > 2, "the words end alike"
    for word, (tokens, text) in zip(words, expected, strict=True):
        assert read_results(run_ok(tmp_path / "spell", "--json", "--text", word)) == [(tokens, text)], word
        assert run_ok(tmp_path / "spell", "--text", word).strip() == text
    shorter = run_ok(tmp_path / "spell", "--json", "--max-length", "3", "--text", words[3])
    assert read_results(shorter)[0][0] == expected[3][0][:2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": "logits"}, "tokens names 'logits' of type 'tensor<?x6x8xf32>'; it needs integers [batch, length]"),
        ({"tokens": "none"}, "tokens names 'none', which is no output of @encode"),
        ({"scores": "logits"}, "has tokens and scores; a model that gives tokens has no step"),
        ({"encoder": None}, "has tokens but no encoder"),
        ({"characters": None, "end": 1, "pad": 0}, "has tokens but no words and no characters"),
        ({"max_length": 8}, "max_length = 8"),
        ({"end": None}, "has no end; it needs a token or more"),
        ({"pad": 8}, "pad = 8; it needs a token's number, below 8, or its text"),
        ({"words": "sounds.txt"}, "has words and characters; it needs one"),
        ({"characters": "none.txt"}, "none.txt: error: is empty; it needs a token a line"),
        ({"characters": "gap.txt"}, "gap.txt:2:1: error: is empty; each line needs a token of its own"),
        *[
            ({"text": SPELLER["text"] | changes}, message)
            for changes, message in [
                ({"pad": "#"}, 'text pad = "#"; it needs a token\'s number, below 10, or its text'),
                ({"unknown": 10}, "text unknown = 10; it needs a token's number, below 10, or its text"),
                ({"prefix": "#"}, 'text prefix = "#"; it needs a token\'s number, below 10, or its text'),
                ({"suffix": []}, "text suffix = []; it needs a token or more"),
                ({"prefix": ["a", "b", "c"], "suffix": [1, 2]}, "text has max_length = 5; its prefix and suffix of 5"),
                ({"words": "sounds.txt"}, "text has words and characters; it needs one"),
                ({"max_length": None}, "text has no max_length"),
                ({"ids": "letters"}, "text names 'letters', which is no input of @encode"),
                ({"mask": "mask"}, "text names 'mask', which is no input of @encode"),
                (
                    {"max_length": 6},
                    "text names 'src' of type 'tensor<?x5xi64>'; its max_length = 6 needs i32 or i64 [batch, 6]",
                ),
            ]
        ],
    ],
)
def test_errors_of_tokens(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    folder = make_speller(tmp_path / "model")
    manifest = {key: value for key, value in (SPELLER | changes).items() if value is not None}
    (folder / "vitc.json").write_text(json.dumps(manifest))
    (folder / "none.txt").write_text("")
    (folder / "gap.txt").write_text("a\n\nb\n")
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


def rename(path: Path, old: str, new: str) -> None:
    """Another name for a value of a graph."""
    model = onnx.load(path)
    for value in [*model.graph.input, *model.graph.output]:
        value.name = new if value.name == old else value.name
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("tokens", "ids", "logits"),
    [
        ("token", "src", "logits"),
        ("position", "token", "scores"),
        ("scores", "position", "token"),
        ("ids", "token", "token_"),
    ],
)
def test_names_of_what_gives_tokens(tmp_path: Path, tokens: str, ids: str, logits: str) -> None:
    """Inputs and outputs of any names say what they say by their usual ones."""
    folder = make_speller(tmp_path / "model")
    run_ok(VITC, folder, "-o", tmp_path / "usual", "--march=native", "-O0")
    for old, new in [("ids", tokens), ("src", ids), ("logits", logits)]:
        rename(folder / "speller.onnx", old, new)
    manifest = SPELLER | {"tokens": tokens, "text": SPELLER["text"] | {"ids": ids}}
    (folder / "vitc.json").write_text(json.dumps(manifest))
    run_ok(VITC, folder, "-o", tmp_path / "named", "--march=native", "-O0")
    texts = [option for word in ["a", "bad", "face", "z"] for option in ("--text", word)]
    assert run_ok(tmp_path / "named", "--json", *texts) == run_ok(tmp_path / "usual", "--json", *texts)


@pytest.mark.parametrize("name", ["token", "input_ids"])
def test_text_for_the_encoder_and_the_step(tmp_path: Path, name: str) -> None:
    """An input of both, one of the text and one of the token."""
    folder = make_folder(tmp_path / "asker", asks=True)
    rename(folder / "encoder.onnx", "question", name)
    rename(folder / "step.onnx", "token", name)
    manifest = make_manifest(asks=True) | {"token": name, "text": {"ids": name, "max_length": MAX_QUESTION}}
    (folder / "vitc.json").write_text(json.dumps(manifest))
    line = error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert line.endswith(f"text names '{name}', which is an input of @encode and of @step; needs a name of its own")


def test_text_without_tokens(tmp_path: Path, pictures: list[Path]) -> None:
    """It is left out, whether it is padded or read as long as it is."""
    make_speller(tmp_path / "padded")
    make_reader(tmp_path / "alone")
    for name in ("padded", "alone"):
        folder = tmp_path / name
        text = {"ids": "src", "max_length": MAX_LETTERS, "characters": "letters.txt", "pad": "_"}
        (folder / "vitc.json").write_text(json.dumps(SPELLER | {"text": text}))
        program = folder / "program"
        run_ok(VITC, folder, "-o", program, "--march=native", "-O0")
        for word in (" ", "zz"):  # which are no letters of its
            line = error_line(program, "--text", word, code=1)
            assert line.endswith("the text has no tokens; needs one or more")
        out = folder / "out.txt"
        texts = ["--text", "bad", "--text", "zz", "--text", "cab"]
        result = run(program, *texts, "--output-file", out)
        assert (result.returncode, result.stdout) == (0, f"{out}: 2 texts, 1 left out\n")
        assert "warning: text-01: the text has no tokens; needs one or more; left out" in result.stderr
        kept = run_ok(program, "--text", "bad", "--text", "cab").splitlines()
        assert out.read_text().splitlines() == [kept[0], "", kept[1]]


def test_text_has_a_prefix_and_a_suffix(tmp_path: Path) -> None:
    """Around the letters that there is room for; what is cut keeps the suffix."""
    folder = make_speller(tmp_path / "model")
    text = SPELLER["text"] | {"prefix": "h", "suffix": ["g", 1]}
    (folder / "vitc.json").write_text(json.dumps(SPELLER | {"text": text}))
    run_ok(VITC, folder, "-o", tmp_path / "framed", "--march=native", "-O0")
    (folder / "vitc.json").write_text(json.dumps(SPELLER))
    run_ok(VITC, folder, "-o", tmp_path / "plain", "--march=native", "-O0")
    for word, framed in [("b", "hbga"), ("cd", "hcdga"), ("fed", "hfega")]:
        assert run_ok(tmp_path / "framed", "--text", word) == run_ok(tmp_path / "plain", "--text", framed), word
    result = run(tmp_path / "framed", "--text", "fed")
    assert "warning: the text has 6 tokens; the model takes 5, the rest is cut" in result.stderr


def test_text_of_the_words_that_are_generated(tmp_path: Path) -> None:
    """A frame of the text alone: the words are those of the manifest."""
    folder = make_speller(tmp_path / "model")
    own = "".join(f"{letter}\n" for letter in [*LETTERS, "</s>"])
    (folder / "letters.txt").write_text(own)
    shared = SPELLER | {"characters": "letters.txt", "pad": "_", "unknown": "?"}
    texts = [{"characters": "letters.txt", "pad": "_", "unknown": "?", "suffix": "h"}, {"suffix": "h"}]
    outputs = []
    for name, text in zip(("own", "shared"), texts, strict=True):
        manifest = shared | {"text": {"ids": "src", "max_length": MAX_LETTERS} | text}
        (folder / "vitc.json").write_text(json.dumps(manifest))
        run_ok(VITC, folder, "-o", tmp_path / name, "--march=native", "-O0")
        outputs.append([run_ok(tmp_path / name, "--json", "--text", word) for word in ("a", "bad", "z")])
    assert outputs[0] == outputs[1]


# ===----------------------------------------------------------------------===#
# Texts without padding
# ===----------------------------------------------------------------------===#

LONGEST = 7  # tokens of a text, its suffix included
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def make_reader(folder: Path, *, cell: str = "GRU", batch: int | str = "batch", extra: list[str] | None = None) -> Path:
    """A speller that reads texts of any length: cells both ways over all letters, attention over their states."""
    folder.mkdir(parents=True)
    g = GraphBuilder(7)
    extra = extra or []
    rows = g.op("Gather", g.weight("letters", len(LETTERS), WIDTH), "src")
    if "src_mask" in extra:
        rows = g.op("Add", rows, g.op("Unsqueeze", "src_mask", g.constant("last", [2])))
    if "mean" in extra:
        rows = g.op("Add", rows, g.op("ReduceMean", rows, axes=[1], keepdims=1))
    if "row" in extra:  # that of the text's length
        length = g.op("Slice", g.op("Shape", "src"), g.constant("one", [1]), g.constant("two", [2]))
        behind = g.op("Add", length, "one")
        row = g.op("Slice", g.weight("table", LONGEST + 1, WIDTH, scale=3.0), length, behind, g.constant("zero", [0]))
        rows = g.op("Add", rows, row)
    steps = g.op("Transpose", rows, perm=[1, 0, 2])
    width = GATES[cell] * WIDTH
    gates = [g.weight("W", 2, width, WIDTH, scale=0.5), g.weight("R", 2, width, WIDTH, scale=0.3)]
    g.nodes.append(helper.make_node(cell, [steps, *gates], ["y", "h"], hidden_size=WIDTH, direction="bidirectional"))
    states = g.op("Reshape", g.op("Transpose", "y", perm=[2, 0, 1, 3]), g.constant("merged", [0, 0, -1]), output="read")
    scores = g.op("MatMul", states, g.weight("query", 2 * WIDTH, 1, scale=2.0))
    weights = g.op("Softmax", g.op("Transpose", scores, perm=[0, 2, 1]), axis=-1)
    context = g.op("Squeeze", g.op("MatMul", weights, states), g.constant("axis", [1]))
    last = g.op("Reshape", g.op("Transpose", "h", perm=[1, 0, 2]), g.constant("flat", [0, -1]))
    both = g.op("Concat", context, last, axis=1)
    flat = g.op("MatMul", both, g.weight("out", 4 * WIDTH, MAX_SOUNDS * len(SOUNDS)))
    logits = g.op("Reshape", flat, g.constant("shape", [-1, MAX_SOUNDS, len(SOUNDS)]))
    g.op("ArgMax", logits, output="ids", axis=2, keepdims=0)
    inputs = [helper.make_tensor_value_info("src", TensorProto.INT64, [batch, "t"])]
    if "src_mask" in extra:
        inputs.append(helper.make_tensor_value_info("src_mask", TensorProto.FLOAT, [batch, "t"]))
    outputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, [batch, MAX_SOUNDS])]
    if "read" in extra:
        outputs.append(helper.make_tensor_value_info("read", TensorProto.FLOAT, [batch, "t", 2 * WIDTH]))
    g.save(folder / "speller.onnx", inputs, outputs)
    (folder / "letters.txt").write_text("".join(f"{letter}\n" for letter in LETTERS))
    (folder / "sounds.txt").write_text("".join(f"{sound}\n" for sound in SOUNDS))
    (folder / "vitc.json").write_text(json.dumps(READER))
    return folder


READER = SPELLER | {"text": SPELLER["text"] | {"max_length": LONGEST, "suffix": "h"}}


def say(tokens: list[int]) -> tuple[list[int], str]:
    """The tokens before the end, and what they say."""
    tokens = tokens[: tokens.index(1)] if 1 in tokens else tokens
    return tokens, "".join(SOUNDS[token] for token in tokens if token > 1)


@pytest.mark.parametrize(("cell", "longest"), [("GRU", LONGEST), ("GRU", 3), ("LSTM", LONGEST), ("RNN", LONGEST)])
def test_texts_without_padding(tmp_path: Path, cell: str, longest: int) -> None:
    """Each is read as long as it is, as ONNX Runtime reads it alone; with --shape they are padded."""
    folder = make_reader(tmp_path / "model", cell=cell)
    text = READER["text"] | {"max_length": longest}
    (folder / "vitc.json").write_text(json.dumps(READER | {"text": text}))
    session = onnxruntime.InferenceSession(folder / "speller.onnx")
    words = [word for word in ["a", "b", "ad", "bad", "cab", "face", "badge", "feeddd"] if len(word) < longest]

    def expect(length: int) -> list[tuple[list[int], str]]:
        numbers = [[LETTERS.index(letter) for letter in f"{word}h".ljust(length, "_")] for word in words]
        return [say(session.run(["ids"], {"src": np.array([row])})[0][0].tolist()) for row in numbers]

    alone, padded = expect(0), expect(longest)
    assert sum(one != other for one, other in zip(alone, padded, strict=True)) > 1, "padding does not show"
    texts = [option for word in words for option in ("--text", word)]
    for name, options, expected in [("alone", [], alone), ("padded", [f"--shape=t={longest}"], padded)]:
        run_ok(VITC, folder, *options, "-o", tmp_path / name, "--march=native", "-O1")
        assert read_results(run_ok(tmp_path / name, "--json", *texts)) == expected
    run_ok(VITC, "verify", folder, "--march=native")


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (
            {"batch": 2},
            "input 'src' has a batch of 2 and texts of any length without a mask; needs a batch of 1, or --shape "
            "t=7 for texts with padding",
        ),
        ({"extra": ["src_mask"]}, "has an input 'src_mask'; needs that name for the mask of 'src'"),
        (
            {"extra": ["read"]},
            "which grows with the text 'src'; needs sizes that do not, or --shape t=7 for texts with padding",
        ),
        (
            {"extra": ["mean"]},
            "reads a tensor that grows with the text 'src'; needs to be an op that vitc can keep from positions that "
            "are not there, or --shape t=7 for texts with padding",
        ),
    ],
)
def test_errors_of_texts_without_padding(tmp_path: Path, reader: dict[str, Any], message: str) -> None:
    folder = make_reader(tmp_path / "model", **reader)
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)


@pytest.mark.parametrize("beams", [1, 3])
def test_words_of_texts_without_padding(tmp_path: Path, beams: int) -> None:
    """An encoder that reads a text as long as it is, and a step that looks at what it gives."""
    folder = tmp_path / "model"
    folder.mkdir()
    g = GraphBuilder(11)
    embedded = g.op("Gather", g.weight("words", len(WORDS), WIDTH, scale=2.0), "question")
    steps = g.op("Transpose", embedded, perm=[1, 0, 2])
    gates = [g.weight("W", 1, 3 * WIDTH, WIDTH, scale=0.5), g.weight("R", 1, 3 * WIDTH, WIDTH, scale=0.3)]
    g.nodes.append(helper.make_node("GRU", [steps, *gates], ["", "h"], hidden_size=WIDTH))
    g.op("Squeeze", "h", g.constant("axis", [0]), output="state")
    rows = g.op("MatMul", "state", g.weight("w", WIDTH, PLACES * WIDTH))
    g.op("Reshape", rows, g.constant("shape", [-1, PLACES, WIDTH]), output="map")
    inputs = [helper.make_tensor_value_info("question", TensorProto.INT64, ["batch", "t"])]
    g.save(folder / "encoder.onnx", inputs, [tensor("map", PLACES, WIDTH), tensor("state", WIDTH)])
    make_step(folder / "step.onnx")
    (folder / "words.txt").write_text("".join(f"{word}\n" for word in WORDS))
    manifest = make_manifest(asks=True)
    del manifest["mean"], manifest["std"]
    (folder / "vitc.json").write_text(json.dumps(manifest))
    run_ok(VITC, folder, "-o", tmp_path / "answer", "--march=native", "-O1")
    questions = ["blue", "blue circle", "two red a left", "a and a square red", "circle left", "red red red"]
    encoder, step = (onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("encoder", "step"))
    expected = []
    for question in questions:
        ids = np.array([[WORDS.index(word) for word in question.split()]])
        features, state = encoder.run(["map", "state"], {"question": ids})
        expected.append(search(step, features, state, beams))
    assert len({tuple(tokens) for tokens in expected}) > 3, "the questions do not tell answers apart"
    texts = [option for question in questions for option in ("--text", question)]
    output = run_ok(tmp_path / "answer", "--json", f"--beams={beams}", *texts)
    assert [tokens for tokens, _ in read_results(output)] == expected
    # What is longer than the longest is cut.
    longer = run(tmp_path / "answer", f"--beams={beams}", "--text", f"{questions[3]} blue two")
    assert "warning: the text has 7 tokens; the model takes 5, the rest is cut" in longer.stderr
    assert longer.stdout == run_ok(tmp_path / "answer", f"--beams={beams}", "--text", questions[3])


def search(step: onnxruntime.InferenceSession, features: np.ndarray, state: np.ndarray, beams: int) -> list[int]:
    """The tokens of the best of as many beams, by the mean of the logarithms; those that end wait."""
    running: list[tuple[float, list[int], np.ndarray]] = [(0.0, [START], state)]
    ended: list[tuple[float, list[int]]] = []
    while running and len(running[0][1]) < MAX_TOKENS:
        candidates = []
        for score, tokens, hidden in running:
            feeds = {"token": np.array([[tokens[-1]]]), "hidden": hidden, "map": features}
            scores, after = step.run(["scores", "hidden_next"], feeds)
            logits = scores[0].astype(np.float64)
            logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
            candidates += [(score + logs[token], [*tokens, token], after) for token in range(len(WORDS))]
        candidates.sort(key=lambda candidate: -candidate[0])
        running = []
        for rank, (score, tokens, hidden) in enumerate(candidates[: 2 * beams]):
            if tokens[-1] == END and rank < beams:
                ended.append((score / (len(tokens) - 1), tokens[1:-1]))
            elif tokens[-1] != END and len(running) < beams:
                running.append((score, tokens, hidden))
        ended = sorted(ended, key=lambda each: -each[0])[:beams]
        if len(ended) == beams and running[0][0] / (len(running[0][1]) - 1) <= ended[-1][0]:
            break
    else:
        ended += [(score / (len(tokens) - 1), tokens[1:]) for score, tokens, _ in running]
    return max(ended, key=lambda each: each[0])[1]


def test_lengths_of_any_mask(tmp_path: Path) -> None:
    """A mask of any numbers counts as no token or as the longest text, and nothing is read outside of a table."""
    folder = make_reader(tmp_path / "model", extra=["row"])
    run_ok(VITC, folder, "-o", tmp_path / "spell", "--march=native", "-O1")
    source = np.array([[LETTERS.index(letter) for letter in "badgehh"]])
    np.save(tmp_path / "src.npy", source)

    def encode(*mask: int) -> list[int]:
        np.save(tmp_path / "mask.npy", np.array([mask], np.int64))
        inputs = ["--input", f"src={tmp_path / 'src.npy'}", "--input", f"src_mask={tmp_path / 'mask.npy'}"]
        run_ok(tmp_path / "spell", *inputs, "--output-dir", tmp_path / "out")
        return say(np.load(tmp_path / "out" / "tokens.npy")[0].tolist())[0]

    session = onnxruntime.InferenceSession(folder / "speller.onnx")
    rows = [session.run(["ids"], {"src": source[:, :length]})[0][0].tolist() for length in (5, LONGEST)]
    expected = [say(row)[0] for row in rows]
    assert expected[0] != expected[1]
    assert [encode(1, 1, 1, 1, 1, 0, 0), encode(*[1] * LONGEST)] == expected
    assert encode(*[1000] * LONGEST) == encode(*[2**61] * 3, 0, 0, 0, 0) == expected[1]
    assert encode(*[-1] * LONGEST) == encode(*[-(2**62)], *[0] * 6) == encode(*[0] * LONGEST)


@pytest.mark.parametrize("options", [[], [f"--shape=t={LONGEST}"]])
def test_a_mask_of_another_kind(tmp_path: Path, options: list[str]) -> None:
    """An input of the graph that is called as the text's mask would be, and that nobody names, is none."""
    folder = make_reader(tmp_path / "model", extra=["src_mask"])
    if not options:
        model = onnx.load(folder / "speller.onnx")
        for value in model.graph.input:
            value.type.tensor_type.shape.dim[1].dim_value = LONGEST
        onnx.save(model, folder / "speller.onnx")
    run_ok(VITC, folder, *options, "-o", tmp_path / "spell", "--march=native", "-O0")
    line = error_line(tmp_path / "spell", "--text", "bad", code=1)
    assert line.endswith("input 'src_mask' is neither the picture nor of a text; use --input and --output-dir")


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="VITC_FIXTURES names no folder of models")
def test_words_in_katakana(tmp_path: Path) -> None:
    """A whole decoder in one file, that reads words of any length: each is written as is known to be right."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(FIXTURES / "e2k_c2k_greedy16.onnx")
    characters = (REPO / "examples" / "speller" / "model" / "characters.txt").read_text().splitlines()
    (folder / "kana.txt").write_text("".join(f"{each}\n" for each in characters[:88]))
    letters = ["<pad>", "<sos>", "<eos>", *"abcdefghijklmnopqrstuvwxyz"]
    (folder / "letters.txt").write_text("".join(f"{each}\n" for each in letters))
    text = {"ids": "src", "max_length": 16, "characters": "letters.txt", "prefix": "<sos>", "suffix": "<eos>"}
    manifest = {
        "encoder": "model.onnx",
        "tokens": "ids",
        "characters": "kana.txt",
        "lowercase": True,
        "end": "<eos>",
        "pad": "<pad>",
        "text": text,
    }
    (folder / "vitc.json").write_text(json.dumps(manifest))
    run_ok(VITC, folder, "-o", tmp_path / "spell", "--march=native", timeout=600)
    with np.load(FIXTURES / "e2k_words.npz") as known:
        words = dict(zip(known["words"].tolist(), known["katakana"].tolist(), strict=True))
    assert len(words) == 53
    texts = [option for word in words for option in ("--text", word.capitalize())]
    assert run_ok(tmp_path / "spell", *texts).splitlines() == list(words.values())


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="VITC_FIXTURES names no folder of models")
def test_additive_attention_says_text(tmp_path: Path) -> None:
    """A whole decoder in one file, whose words are padded to its length: what ONNX Runtime's tokens say."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(FIXTURES / "netra_bahdanau_greedy24.onnx")
    length, end = 25, 80
    characters = [chr(0x0C80 + number) for number in range(79)] + ["<sos>", "<eos>"]
    (folder / "characters.txt").write_text("".join(f"{each}\n" for each in characters))
    letters = ["<pad>", *"abcdefghijklmnopqrstuvwxyz", "<eos>"]
    (folder / "letters.txt").write_text("".join(f"{each}\n" for each in letters))
    manifest = {
        "encoder": "model.onnx",
        "tokens": "ids",
        "characters": "characters.txt",
        "end": "<eos>",
        "pad": 0,
        "text": {"ids": "src", "max_length": length, "characters": "letters.txt", "suffix": "<eos>"},
    }
    (folder / "vitc.json").write_text(json.dumps(manifest))
    run_ok(VITC, folder, "-o", tmp_path / "spell", "--march=native")
    session = onnxruntime.InferenceSession(FIXTURES / "netra_bahdanau_greedy24.onnx")
    with np.load(FIXTURES / "e2k_words.npz") as known:
        words = known["words"].tolist()
    expected = []
    for word in words:
        numbers = [letters.index(letter) for letter in word] + [letters.index("<eos>")]
        source = np.array([numbers + [0] * (length - len(numbers))])
        ids = session.run(["ids"], {"src": source})[0][0].tolist()
        ids = ids[: ids.index(end)] if end in ids else ids
        expected.append("".join(characters[number] for number in ids if 0 < number < 79))
    assert len(set(expected)) == len(words)
    texts = [option for word in words for option in ("--text", word)]
    assert run_ok(tmp_path / "spell", *texts).splitlines() == expected


@pytest.mark.parametrize("beams", [1, 3])
def test_attention(tmp_path: Path, pictures: list[Path], beams: int) -> None:
    """Of the words that are said, with beams of the best: alpha of ONNX Runtime along the same tokens."""
    folder = make_folder(tmp_path / "captioner", asks=False)
    (folder / "vitc.json").write_text(json.dumps(make_manifest(asks=False) | {"attention": "alpha"}))
    run_ok(VITC, folder, "-o", tmp_path / "caption", "--march=native")
    maps = tmp_path / "maps"
    output = run_ok(tmp_path / "caption", "--json", f"--beams={beams}", "--attention", maps, *pictures)
    encoder, step = (onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in ("encoder", "step"))
    for path, pixels, answer in zip(pictures, read_pixels(pictures), json.loads(output), strict=True):
        features, hidden = encoder.run(["map", "state"], {"pixel_values": pixels[None]})
        expected = []
        for token in [START, *answer["tokens"][:-1]]:
            feeds = {"token": np.array([[token]]), "hidden": hidden, "map": features}
            alpha, hidden = step.run(["alpha", "hidden_next"], feeds)
            expected.append(alpha.ravel())
        np.testing.assert_allclose(np.load(maps / f"{path.stem}.attention.npy"), np.array(expected), rtol=0, atol=1e-5)
        words = np.load(maps / f"{path.stem}.words.npy")
        assert words.shape == (len(answer["words"]), 2, 2)  # four places are 2 x 2
        first = [word["first_token"] for word in answer["words"]]
        np.testing.assert_allclose(words.reshape(-1, PLACES), np.array(expected)[first], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "beta"}, "attention names 'beta', which is no output of @step"),
        ({"encoder": "missing.onnx"}, "cannot be read"),
        ({"step": None}, "has no step; it needs an ONNX file's name"),
        ({"states": {"hidden": "nowhere"}}, "names 'nowhere', which is no output of @step"),
        ({"memory": {"hidden": 3}}, 'memory has "hidden": 3; it needs a name'),
        ({"start": "<begin>"}, 'start = "<begin>"; it needs a token\'s number, below 12, or its text'),
        ({"end": []}, "end = []; it needs a token or more"),
        ({"end": 12}, "end = 12; it needs a token's number, below 12, or its text"),
        ({"max_length": None}, "has no max_length; it needs the most tokens, start included"),
        ({"mean": [0.5, 0.5]}, "has 2 numbers"),
        ({"mean": ["0.5"]}, "it needs a list of numbers"),
        ({"words": "twice.txt"}, "has a token a second time; each line needs a token of its own"),
        ({"words": "long.txt"}, "has 13 words; 'scores' gives each a score and needs 12"),
        ({"words": None, "unknown": None, "start": 1, "end": 12}, "end = 12; it needs a token's number, below 12"),
        ({"end": [], "pad": None}, "end = []; it needs a token or more"),
        ({"states": {"hiden": "hidden_next"}}, "states names 'hiden', which is no input of @step"),
        ({"memory": {"hiden": "state"}}, "memory names 'hiden', which is no input of @step"),
        ({"beam": 3}, "has beam = 3; vitc reads encoder, step, token, "),
        ({"text": {"max_length": 5, "types": "t"}}, 'text has types = "t"; vitc reads ids, mask, max_length, words'),
        ({"scores": "logits"}, "scores names 'logits', which is no output of @step"),
        ({"token": "ids"}, 'has no input "ids"'),
        ({"attention": "hidden_next", "attention_grid": [3, 5]}, "attention_grid = [0, 3, 5]; the 16 places of"),
        ({"attention": "hidden_next", "attention_grid": [2, 2]}, "attention_grid = [0, 2, 2]; the 16 places of"),
        (
            {"attention": "hidden_next"},
            "attention names 'hidden_next', which is a state; it needs an output of its own",
        ),
        ({"attention_grid": [2, 2]}, "has attention_grid but no attention"),
        ({"start": None}, "has no start; it needs a token or more"),
        ({"states": 3}, "states = 3; it needs an object"),
        ({"encoder": None}, "has memory but no encoder"),
        ({"scores": "flat"}, "scores names 'flat' of type 'tensor<?xf32>'; it needs logits [batch, tokens]"),
        ({"attention": "flat"}, "attention names 'flat' of type 'tensor<?xf32>'; it needs probabilities"),
        ({"unknown": "left_out"}, 'unknown = "left_out"; it needs a token\'s number, below 12, or its text'),
        (
            {"words": None, "unknown": None, "start": 1, "end": 2, "text": {"max_length": 5}},
            "has text but no words and no characters",
        ),
    ],
)
def test_errors(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    folder = make_folder(tmp_path / "model", asks=False)
    manifest = {key: value for key, value in (make_manifest(asks=False) | changes).items() if value is not None}
    (folder / "vitc.json").write_text(json.dumps(manifest))
    (folder / "twice.txt").write_text("<start>\n<end>\n<unk>\na\na\n")
    (folder / "long.txt").write_text("".join(f"{word}\n" for word in [*WORDS, "right"]))
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--image-size=8x8", "--max-source-length=4", "--constant=map=map.npy"])
def test_refuses_options(tmp_path: Path, option: str) -> None:
    folder = make_folder(tmp_path / "model", asks=False)
    line = error_line(VITC, folder, option, "-o", tmp_path / "out", code=1)
    name = option.partition("=")[0]
    assert f"{name} was given; ONNX files of an encoder and a step take --batch, --shape and --max-length" in line
