# ===- test_open_texts.py - Texts that are read as long as they are -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Folders with a manifest whose texts have any length and no mask, and people's own spellers. ONNX Runtime runs the
graphs at each text's length."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from test_generation_folder import (
    END,
    LETTERS,
    MAX_LETTERS,
    MAX_SOUNDS,
    MAX_TOKENS,
    PLACES,
    SOUNDS,
    SPELLER,
    START,
    WIDTH,
    WORDS,
    GraphBuilder,
    make_manifest,
    make_speller,
    make_step,
    read_results,
    tensor,
)

from harness import REPO, VITC, error_line, run, run_ok

FIXTURES = Path(os.environ.get("VITC_FIXTURES", ""), "real")


LONGEST = 7  # tokens of a text, its suffix included
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def add_loop(g: GraphBuilder, rows: str, kind: str) -> str:
    """As many iterations as there are letters, each of which adds nothing."""
    count, row = (helper.make_tensor_value_info(name, TensorProto.INT64, []) for name in ("i", "row"))
    holds, still = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("holds", "still"))
    sum_, next_ = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("sum", "next"))
    nodes = [helper.make_node("Identity", ["sum"], ["next"])]
    start = g.weight("start", 1, scale=0.0)
    if kind == "loop":
        nodes.append(helper.make_node("Identity", ["holds"], ["still"]))
        body = helper.make_graph(nodes, "body", [count, holds, sum_], [still, next_])
        length = g.op("Slice", g.op("Shape", "src"), g.constant("second", [1]), g.constant("third", [2]))
        trips = g.op("Squeeze", length, g.constant("only", [0]))
        return g.op("Add", rows, g.op("Loop", trips, "", start, body=body))
    body = helper.make_graph(nodes, "body", [sum_, row], [next_])
    letters = g.op("Squeeze", "src", g.constant("batch", [0]))
    return g.op("Add", rows, g.op("Scan", start, letters, body=body, num_scan_inputs=1))


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
    for kind in {"loop", "scan"} & {*extra}:
        rows = add_loop(g, rows, kind)
    is_batch_first = "layout" in extra
    steps = rows if is_batch_first else g.op("Transpose", rows, perm=[1, 0, 2])
    width = GATES[cell] * WIDTH
    operands = [steps, g.weight("W", 2, width, WIDTH, scale=0.5), g.weight("R", 2, width, WIDTH, scale=0.3)]
    if "lengths" in extra:  # all letters but the last
        length = g.op("Slice", g.op("Shape", "src"), g.constant("from", [1]), g.constant("to", [2]))
        before = g.op("Sub", length, g.constant("less", [1]))
        operands += ["", g.op("Cast", before, to=TensorProto.INT32)]
    attributes = {"hidden_size": WIDTH, "direction": "bidirectional"} | ({"layout": 1} if is_batch_first else {})
    g.nodes.append(helper.make_node(cell, operands, ["y", "h"], **attributes))
    y = "y" if is_batch_first else g.op("Transpose", "y", perm=[2, 0, 1, 3])
    states = g.op("Reshape", y, g.constant("merged", [0, 0, -1]), output="read")
    scores = g.op("MatMul", states, g.weight("query", 2 * WIDTH, 1, scale=2.0))
    weights = g.op("Softmax", g.op("Transpose", scores, perm=[0, 2, 1]), axis=-1)
    context = g.op("Squeeze", g.op("MatMul", weights, states), g.constant("axis", [1]))
    h = "h" if is_batch_first else g.op("Transpose", "h", perm=[1, 0, 2])
    last = g.op("Reshape", h, g.constant("flat", [0, -1]))
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


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("extra", [["layout"], ["lengths"], ["layout", "lengths"]])
def test_forms_of_cells_over_texts(tmp_path: Path, cell: str, extra: list[str]) -> None:
    """With the batch first, which ONNX Runtime reads as the same cell with the steps first, and with lengths given."""
    folder = make_reader(tmp_path / "model", cell=cell, extra=extra)
    plain = make_reader(tmp_path / "plain", cell=cell, extra=[each for each in extra if each != "layout"])
    session = onnxruntime.InferenceSession(plain / "speller.onnx")
    words = ["a", "b", "ad", "bad", "cab", "face", "badge"]

    def expect(word: str) -> tuple[list[int], str]:
        source = np.array([[LETTERS.index(letter) for letter in f"{word}h"]])
        return say(session.run(["ids"], {"src": source})[0][0].tolist())

    run_ok(VITC, folder, "-o", tmp_path / "spell", "--march=native", "-O1")
    texts = [option for word in words for option in ("--text", word)]
    assert read_results(run_ok(tmp_path / "spell", "--json", *texts)) == [expect(word) for word in words]


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
        *[
            (
                {"extra": [kind]},
                f"({kind.title()}): has iterations whose number grows with the text 'src'; needs a known number, or "
                "--shape t=7 for texts with padding",
            )
            for kind in ("loop", "scan")
        ],
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


def test_text_without_tokens(tmp_path: Path) -> None:
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
