# ===- test_generation_text.py - Text and pictures in, text out -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Folders with tokenizers become programs that say what transformers says.

The weights are those of data/generation; data/generation_text has the files of a tokenizer for each, 16 x 16 pictures,
and in expected.json the texts of transformers' greedy search and of one with four beams. attentions.npz beside the
weights has transformers' cross attention, [items, layers, heads, tokens, keys], of the greedy search of io.npz.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness import VITC, error_line, run, run_ok

DATA = Path(__file__).parent / "data"
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((DATA / "generation_text" / "expected.json").read_text())
SEARCHES = [("greedy", 1), ("beams", 4)]
SOURCE_LENGTH = 20


class Case:
    """A program, and the pictures beside it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        model = folder / "model"
        shutil.copytree(DATA / "generation" / name, model)
        shutil.copytree(DATA / "generation_text" / name, model, dirs_exist_ok=True)
        lengths = [] if name.startswith(("GPT2", "ViT", "BlipForC")) else [f"--max-source-length={SOURCE_LENGTH}"]
        self.program = folder / name
        run_ok(VITC, "compile", model, "--march=native", "-O0", *lengths, "-o", self.program)
        with np.load(DATA / "generation_text" / "pictures.npz") as data:
            for i, pixels in enumerate(data["pictures"]):
                Image.fromarray(pixels).save(folder / f"picture-{i}.png")

    def arguments(self, row: dict[str, Any]) -> list[Any]:
        text = [] if row["text"] is None else ["--text", row["text"]]
        return text + ([self.picture(row)] if "picture" in row else [])

    def picture(self, row: dict[str, Any]) -> Path:
        return self.folder / f"picture-{row['picture']}.png"

    def options(self, beams: int) -> list[str]:
        """Blip's folders have no length of their own."""
        lengths = {"BlipForConditionalGeneration": 15, "BlipForQuestionAnswering": 10}
        length = [f"--max-length={lengths[self.name]}"] if self.name in lengths else []
        return [f"--beams={beams}", *length]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Each program, compiled once."""
    return {name: Case(name, tmp_path_factory.mktemp(name)) for name in EXPECTED}


@pytest.mark.parametrize(("search", "beams"), SEARCHES)
@pytest.mark.parametrize("name", EXPECTED)
def test_text(cases: dict[str, Case], name: str, search: str, beams: int) -> None:
    case = cases[name]
    for row in EXPECTED[name]:
        output = run_ok(case.program, *case.options(beams), *case.arguments(row))
        title = f"{case.picture(row)}: " if "picture" in row else ""
        # A row's own text may begin or end with white space.
        assert output == f"{title}{row[search]}\n"


@pytest.mark.parametrize("beams", [1, 4])
def test_json_has_a_score_for_each_token(cases: dict[str, Case], beams: int) -> None:
    case = cases["MarianMTModel"]
    row = EXPECTED["MarianMTModel"][0]
    (answer,) = json.loads(run_ok(case.program, *case.options(beams), "--json", *case.arguments(row)))
    assert answer["text"] == row["text"]
    assert answer["generated"] == row["greedy" if beams == 1 else "beams"]
    scores = [*answer["token_scores"], *([answer["end_score"]] if "end_score" in answer else [])]
    assert len(answer["token_scores"]) == len(answer["tokens"]) > 0
    assert all(score <= 1e-6 for score in scores)
    # The folder's length penalty is 1.
    assert answer["score"] == pytest.approx(sum(scores) / len(scores), rel=1e-5)


def test_items_of_a_batch_are_those_alone(cases: dict[str, Case]) -> None:
    case, rows = cases["MarianMTModel"], EXPECTED["MarianMTModel"]
    texts = [word for row in rows for word in ("--text", row["text"])]
    lines = run_ok(case.program, *case.options(1), *texts).splitlines()
    assert lines == [row["greedy"] for row in rows]
    together = json.loads(run_ok(case.program, *case.options(4), "--json", *texts))
    alone = [json.loads(run_ok(case.program, *case.options(4), "--json", *case.arguments(row))) for row in rows]
    assert together == [answer for (answer,) in alone]


def test_a_fixed_batch_is_filled(cases: dict[str, Case], tmp_path: Path) -> None:
    case, rows = cases["MarianMTModel"], EXPECTED["MarianMTModel"]
    program = tmp_path / "fixed"
    run_ok(VITC, "compile", case.folder / "model", "--march=native", "-O0", "--batch=2", "-o", program)
    texts = [word for row in rows for word in ("--text", row["text"])]
    assert run_ok(program, "--beams=1", *texts).splitlines() == [row["greedy"] for row in rows]


def test_text_file(cases: dict[str, Case], tmp_path: Path) -> None:
    case, rows = cases["T5ForConditionalGeneration"], EXPECTED["T5ForConditionalGeneration"]
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"{row['text']}\r\n" for row in rows))
    output = run_ok(case.program, "--beams=4", "--text-file", lines)
    assert output.splitlines() == [row["beams"] for row in rows]
    out = tmp_path / "out.txt"
    stdout = run_ok(VITC, "batch", case.program, "--beams=4", "--text-file", lines, "-o", out)
    assert stdout == f"{out}: 3 texts\n"
    assert out.read_text().splitlines() == [row["beams"] for row in rows]
    assert not (tmp_path / "out.txt.partial").exists()
    line = error_line(case.program, "--text-file", tmp_path / "none.txt", code=1)
    assert line.endswith("none.txt: cannot be read: No such file or directory")
    (tmp_path / "empty.txt").write_text("")
    line = error_line(case.program, "--text-file", tmp_path / "empty.txt", code=1)
    assert line.endswith("empty.txt: has no line; needs a text a line")


def test_captions_of_a_folder_in_one_file(cases: dict[str, Case], tmp_path: Path) -> None:
    case, rows = cases["ViT-GPT2"], EXPECTED["ViT-GPT2"]
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for row in rows:
        shutil.copy(case.picture(row), pictures)
    (pictures / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "captions.jsonl"
    result = run(case.program, "--beams=1", pictures, "--output-file", out)
    assert (result.returncode, result.stdout) == (0, f"{out}: 2 texts, 1 left out\n")
    assert "broken.png" in result.stderr
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["generated"] for record in records] == [row["greedy"] for row in rows]
    assert [Path(record["image"]).name for record in records] == ["picture-0.png", "picture-1.png"]


@pytest.mark.parametrize(
    ("name", "suffix", "message"),
    [
        ("ViT-GPT2", "npy", "the output file is '{}'; generated text needs one that ends in .jsonl or .txt"),
        ("ViT-GPT2", "txt", "the output file is '{}'; texts of pictures need one that ends in .jsonl"),
    ],
)
def test_output_file_errors(cases: dict[str, Case], tmp_path: Path, name: str, suffix: str, message: str) -> None:
    case, out = cases[name], tmp_path / f"out.{suffix}"
    line = error_line(case.program, case.folder / "picture-0.png", "--output-file", out, code=2)
    assert line.endswith(message.format(out))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "ViT-GPT2",
            ["PICTURE", "--output-dir", "out"],
            "--output-dir was given; the model generates text and writes ",
        ),
        (
            "MarianMTModel",
            ["--text", "a", "--text-pair", "b"],
            "--text-pair was given; a model that generates text takes --text alone",
        ),
        ("MarianMTModel", ["PICTURE"], "was given; the model takes text alone, needs --text"),
        ("ViT-GPT2", ["PICTURE", "--text", "a"], "--text was given; this model has no tokenizer, needs one that was "),
        ("BlipForQuestionAnswering", ["PICTURE"], "was given alone; the model needs --text, too"),
        ("BlipForQuestionAnswering", ["--text", "a"], "--text was given alone; the model needs a picture, too"),
    ],
)
def test_command_line_errors(
    cases: dict[str, Case], tmp_path: Path, name: str, options: list[str], message: str
) -> None:
    case = cases[name]
    given = {"PICTURE": case.folder / "picture-0.png", "out": tmp_path / "out"}
    assert message in error_line(case.program, *(given.get(option, option) for option in options), code=2)
    assert not (tmp_path / "out").exists()


def test_nothing_is_left(cases: dict[str, Case], tmp_path: Path) -> None:
    """Each item is at fault."""
    (tmp_path / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "captions.jsonl"
    result = run(cases["ViT-GPT2"].program, tmp_path / "broken.png", "--output-file", out)
    assert (result.returncode, result.stdout) == (1, "")
    warning, error = result.stderr.splitlines()
    assert warning.startswith(f"warning: {tmp_path / 'broken.png'}: ") and warning.endswith("; left out")
    assert error.endswith("nothing could be generated for 1 items")
    assert not out.exists()


def test_texts_at_fault_are_left_out(cases: dict[str, Case], tmp_path: Path) -> None:
    """A prompt that leaves no room; its line stays empty."""
    case, rows = cases["GPT2LMHeadModel"], EXPECTED["GPT2LMHeadModel"]
    lengths = [len(row["ids"]) for row in rows]
    most = min(lengths) + 1
    left_out = [index for index, length in enumerate(lengths) if length >= most]
    assert 0 < len(left_out) < len(rows)
    out = tmp_path / "out.txt"
    texts = [word for row in rows for word in ("--text", row["text"])]
    result = run(case.program, "--beams=1", f"--max-length={most}", *texts, "--output-file", out)
    count = len(rows) - len(left_out)
    assert (result.returncode, result.stdout) == (0, f"{out}: {count} texts, {len(left_out)} left out\n")
    assert result.stderr.splitlines() == [
        f"warning: text-{index:02}: generation starts with {lengths[index]} tokens; needs less than {most}, the "
        "maximum length; left out"
        for index in left_out
    ]
    lines = out.read_text().splitlines()
    assert len(lines) == len(rows)
    assert all((lines[index] == "") for index in left_out)


def test_words_come_one_by_one_to_a_terminal(cases: dict[str, Case]) -> None:
    case, row = cases["ViT-GPT2"], EXPECTED["ViT-GPT2"][0]
    primary, secondary = pty.openpty()
    command = [case.program, "--beams=1", case.picture(row)]
    with subprocess.Popen(command, stdout=secondary) as process:
        os.close(secondary)
        output = b""
        while True:
            try:
                chunk = os.read(primary, 1 << 16)
            except OSError:  # the program has ended
                break
            if not chunk:
                break
            output += chunk
    os.close(primary)
    assert process.returncode == 0
    assert output.decode().replace("\r\n", "\n") == f"{case.picture(row)}: {row['greedy']}\n"


def test_a_closed_pipe_is_an_error(cases: dict[str, Case]) -> None:
    case, row = cases["ViT-GPT2"], EXPECTED["ViT-GPT2"][0]
    reader, writer = os.pipe()
    os.close(reader)
    command = [case.program, "--beams=1", case.picture(row)]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert result.returncode == 1
    assert result.stderr.strip().endswith("standard output: cannot be written: Broken pipe")


# ===----------------------------------------------------------------------===#
# Attention
# ===----------------------------------------------------------------------===#

ATTENDING = sorted(name for name in EXPECTED if name != "GPT2LMHeadModel")
MAPS_TOLERANCE = 1e-5


@pytest.mark.parametrize("name", ATTENDING)
def test_attention_is_that_of_the_reference(cases: dict[str, Case], name: str, tmp_path: Path) -> None:
    """Of a whole batch of raw tensors, whose sources are padded; then of one layer and of one head."""
    case = cases[name]
    with np.load(DATA / "generation" / name / "io.npz") as data:
        io = dict(data)
    with np.load(DATA / "generation" / name / "attentions.npz") as data:
        expected = data["attentions"]
    inputs = {key: io[key] for key in ("pixel_values", "input_ids", "attention_mask") if key in io}
    if "attention_mask" in inputs:
        widths = ((0, 0), (0, SOURCE_LENGTH - inputs["input_ids"].shape[1]))
        inputs |= {key: np.pad(inputs[key], widths) for key in ("input_ids", "attention_mask")}
    arguments: list[Any] = ["--beams=1", f"--max-length={io['max_length']}", "--attention-matrix"]
    for key, value in inputs.items():
        np.save(tmp_path / f"{key}.npy", value)
        arguments += ["--input", f"{key}={tmp_path / key}.npy"]

    def trace(*options: str) -> np.ndarray:
        run_ok(case.program, *arguments, *options, "--output-dir", tmp_path / "out")
        return np.load(tmp_path / "out" / "attention.npy")

    keys = expected.shape[-1]
    for options, wanted in [
        ([], expected.mean((1, 2))),
        (["--attention-layers=1"], expected[:, 1].mean(1)),
        (["--attention-layers=0", "--attention-heads=1"], expected[:, 0, 1]),
    ]:
        actual = trace(*options)
        tokens = np.load(tmp_path / "out" / "tokens.npy")
        assert actual.shape[:2] == tokens.shape
        assert not actual[:, :, keys:].any()  # padding
        for item in range(len(actual)):
            length = int(actual[item].any(1).sum())  # zeros follow the last token
            assert length > 0
            difference = np.abs(actual[item, :length, :keys] - wanted[item, :length]).max()
            assert difference <= MAPS_TOLERANCE


def test_attention_of_a_caption(cases: dict[str, Case], tmp_path: Path) -> None:
    case, row = cases["ViT-GPT2"], EXPECTED["ViT-GPT2"][0]
    out = tmp_path / "maps"
    stdout = run_ok(case.program, "--beams=1", "--json", "--attention", out, case.picture(row))
    (answer,) = json.loads(stdout)
    assert answer["generated"] == row["greedy"]
    words = row["greedy"].split()
    assert [word["word"] for word in answer["words"]] == words
    trace = np.load(out / "picture-0.attention.npy")
    assert trace.shape == (len(answer["tokens"]), 5)  # a class token and 2 x 2 patches
    np.testing.assert_allclose(trace.sum(1), 1, atol=1e-5)
    maps = np.load(out / "picture-0.words.npy")
    assert maps.shape == (len(words), 2, 2)
    for i, word in enumerate(answer["words"]):
        rows = trace[word["first_token"] : word["first_token"] + word["tokens"], 1:]
        np.testing.assert_allclose(maps[i].ravel(), rows.mean(0), atol=1e-6)
        with Image.open(word["file"]) as picture:
            assert picture.size == (256, 256)
    # The other tokens are special ones, which the text has not.
    ends = [word["first_token"] + word["tokens"] for word in answer["words"]]
    begins = [word["first_token"] for word in answer["words"]]
    assert all(begin >= end for begin, end in zip(begins[1:], ends, strict=False))
    assert ends[-1] <= len(answer["tokens"])
    assert len(list(out.iterdir())) == len(words) + 2


def test_attention_of_a_translation(cases: dict[str, Case], tmp_path: Path) -> None:
    """With beams it is that of the best: the words are those of the search, and a second pass over them agrees."""
    case, row = cases["MarianMTModel"], EXPECTED["MarianMTModel"][1]
    out = tmp_path / "maps"
    stdout = run_ok(case.program, "--beams=4", "--json", "--attention", out, "--text", row["text"])
    (answer,) = json.loads(stdout)
    assert answer["generated"] == row["beams"]
    trace = np.load(out / "text-00.attention.npy")
    assert trace.shape == (len(answer["target"]), len(answer["source"])) == (len(answer["tokens"]), len(row["ids"]))
    np.testing.assert_allclose(trace.sum(1), 1, atol=1e-5)
    assert "".join(answer["source"]).replace("▁", " ").split("</s>")[0].strip() == row["text"]
    with Image.open(out / "text-00.attention.png") as picture:
        assert max(picture.size) >= 512
        assert picture.size[0] * trace.shape[0] == picture.size[1] * trace.shape[1]


def test_attention_of_an_answer_is_on_the_question(cases: dict[str, Case], tmp_path: Path) -> None:
    case, row = cases["BlipForQuestionAnswering"], EXPECTED["BlipForQuestionAnswering"][0]
    stdout = run_ok(case.program, *case.options(1), "--attention", tmp_path / "maps", *case.arguments(row))
    assert stdout == f"{case.picture(row)}: {row['greedy']}\n"
    assert np.load(tmp_path / "maps" / "picture-0.attention.npy").shape[1] == len(row["ids"])


def test_attention_errors(cases: dict[str, Case], tmp_path: Path) -> None:
    line = error_line(cases["GPT2LMHeadModel"].program, "--attention", tmp_path / "maps", "--text", "the cat", code=1)
    assert line.endswith("the model's step attends to no source; needs one that does, compiled with its attention maps")
    case = cases["ViT-GPT2"]
    arguments = ["--attention", tmp_path / "maps", case.folder / "picture-0.png"]
    line = error_line(case.program, *arguments, "--attention-layers=7", code=1)
    assert line.endswith("none of the 2 attention layers was chosen; needs one")
    line = error_line(case.program, *arguments, "--attention-heads=7", code=1)
    assert line.endswith("none of the attention heads was chosen; needs one")
    line = error_line(case.program, *arguments, "--attention-rollout", code=2)
    assert line.endswith("generated text has the attention of its tokens alone")
    assert not (tmp_path / "maps").exists()
