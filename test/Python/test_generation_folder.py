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

from harness import VITC, error_line, run, run_ok

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


def test_sizes_that_have_names(tmp_path: Path, pictures: list[Path]) -> None:
    """Which the encoder's outputs know by number, and the step's inputs and outputs call by names of their own."""
    folder = make_folder(tmp_path / "captioner", asks=False)
    step = onnx.load(folder / "step.onnx")
    names = {"hidden": ["width"], "hidden_next": ["units"], "map": ["places", "features"]}
    for value in [*step.graph.input, *step.graph.output]:
        for dim, name in enumerate(names.get(value.name, []), start=1):
            value.type.tensor_type.shape.dim[dim].dim_param = name
    onnx.save(step, folder / "step.onnx")
    run_ok(VITC, folder, "-o", tmp_path / "caption", "--march=native")
    expected = generate(folder, pixel_values=read_pixels(pictures))
    assert read_results(run_ok(tmp_path / "caption", "--json", *pictures)) == expected


def test_outputs_that_change_names(tmp_path: Path, pictures: list[Path]) -> None:
    """The encoder calls each of its outputs what the step calls the other."""
    folder = make_folder(tmp_path / "captioner", asks=False)
    expected = generate(folder, pixel_values=read_pixels(pictures))
    for old, new in [("map", "hidden"), ("state", "map")]:
        rename(folder / "encoder.onnx", old, new)
    manifest = make_manifest(asks=False) | {"memory": {"hidden": "map", "map": "hidden"}}
    (folder / "vitc.json").write_text(json.dumps(manifest))
    run_ok(VITC, folder, "-o", tmp_path / "caption", "--march=native")
    assert read_results(run_ok(tmp_path / "caption", "--json", *pictures)) == expected


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
        ({"max_length": 1}, "has tokens and max_length = 1, start included; it needs 2 or more"),
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


def test_prompt_with_a_mask(tmp_path: Path) -> None:
    """Of the step's token, which nobody pads: an input of the encoder would stay without values."""
    folder = make_folder(tmp_path / "captioner", asks=False)
    text = {"ids": "token", "mask": "pixel_values", "max_length": 4}
    (folder / "vitc.json").write_text(json.dumps(make_manifest(asks=False) | {"text": text}))
    line = error_line(VITC, folder, "-o", tmp_path / "out", code=1)
    assert line.endswith(
        "text has the mask 'pixel_values' and the ids 'token', which the step reads as its token; needs no mask, since "
        "a prompt is not padded"
    )


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
        ({"std": [0.5, 0, 0.5]}, "std = [0.5,0,0.5]; it needs positive numbers"),
        ({"step": "../step.onnx"}, "step = '../step.onnx'; it needs a path inside of the model's folder"),
        ({"text": 3}, "text = 3; it needs an object"),
        ({"start": [1] * 9}, "has 9 start tokens and max_length = 9; it needs fewer"),
        ({"min_length": 9}, "min_length = 9; it needs an integer from 0 to 8"),
        ({"repetition_penalty": 0}, "repetition_penalty = 0; it needs a positive number"),
        ({"beam": 3}, "has beam = 3; vitc reads encoder, words, characters, "),
        ({"text": {"max_length": 5, "types": "t"}}, 'text has types = "t"; vitc reads ids, mask, max_length, words'),
        ({"scores": "logits"}, "scores names 'logits', which is no output of @step"),
        ({"token": "ids"}, "token names 'ids', which is no input of @step"),
        ({"attention": "alpha", "attention_grid": [3, 2]}, "attention_grid = [0, 3, 2]; the 4 places of"),
        ({"attention": "alpha", "attention_grid": [1, 3]}, "attention_grid = [0, 1, 3]; the 4 places of"),
        (
            {"attention": "hidden_next"},
            "attention names 'hidden_next', which states has, too; needs an output of its own",
        ),
        (
            {"scores": "hidden_next"},
            "scores names 'hidden_next', which states has, too; needs an output of its own",
        ),
        ({"memory": {"token": "state"}}, "token names 'token', which memory has, too; needs an input of its own"),
        (
            {"memory": {"hidden": "state", "map": "state"}},
            "memory names 'state' for 'hidden' and 'map'; needs an output",
        ),
        (
            {"memory": {"map": "state"}},
            "memory names 'state' for 'map', and @encode has another output of that name; needs one",
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
