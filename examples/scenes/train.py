# ===- train.py - Train what describes scenes and answers questions -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Trains one network for two tasks and writes what vitc compiles of each.

    python train.py caption answer

A CNN, a visual attention layer and an LSTM: at each step alpha_t = softmax(h_t F_K^T) over the map's 36 places and
c_t = alpha_t F_V, and c_t and h_t go into the next step (Xu et al. 2015, with Luong's dot score, unscaled). The
first context is the mean of F_V; the first state is zeros where a caption is wanted, and a GRU's last state over a
question. Besides the words, the loss has where to look while a group is named: -log of what alpha has there (Liu et
al. 2017, "Attention Correctness in Neural Image Captioning"); while shapes are counted it is free.

Each folder gets encoder.onnx, step.onnx, words.txt and vitc.json. Needs torch and onnx. The learning rate follows the
clock: 10 minutes on one quiet core are enough.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import numpy as np
import scenes
import torch
from torch import nn
from torch.nn import functional

SPECIAL = ("<pad>", "<start>", "<end>", "<unk>")
PAD, START, END, UNKNOWN = range(len(SPECIAL))
WORDS = (
    *SPECIAL,
    *scenes.COLOURS,
    *scenes.SHAPES,
    *(shape + "s" for shape in scenes.SHAPES),
    *scenes.NUMBERS,
    *("top", "left", "right", "centre", "bottom", "at", "the", "and", "yes", "no"),
    *("how", "many", "are", "there", "where", "is", "what", "a"),
)
TOKENS = {word: index for index, word in enumerate(WORDS)}
MAX_QUESTION, MAX_CAPTION, MAX_ANSWER = 8, 20, 8
MAP_SIZE, CHANNELS, EMBEDDING, HIDDEN = 6, 64, 32, 96
NUM_CHECKED = 1000


def encode_words(text: str, length: int, *, frame: bool) -> list[int]:
    """The numbers of a text's words, padded; with `frame` between start and end."""
    tokens = [TOKENS[word] for word in text.split()]
    if frame:
        tokens = [START, *tokens, END]
    return tokens + [PAD] * (length - len(tokens))


class Encoder(nn.Module):
    """The picture as keys and values [B, 36, C], their mean, and with a question the state behind it."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, CHANNELS, CHANNELS)
        self.cnn = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
                for a, b, stride in zip(widths, widths[1:], (2, 2, 2, 1), strict=False)
            )
        )
        self.places = nn.Parameter(0.1 * torch.randn(1, MAP_SIZE * MAP_SIZE, CHANNELS))
        self.keys, self.values = nn.Linear(CHANNELS, HIDDEN), nn.Linear(CHANNELS, CHANNELS)
        self.words = nn.Embedding(len(WORDS), EMBEDDING)
        self.question = nn.GRU(EMBEDDING, HIDDEN, batch_first=True)

    def forward(self, pixels: torch.Tensor, question: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        features = self.cnn(pixels).flatten(2).transpose(1, 2) + self.places
        values = self.values(features)
        picture = self.keys(features), values, values.mean(1)
        return picture if question is None else (*picture, self.read_question(question))

    def read_question(self, question: torch.Tensor) -> torch.Tensor:
        """[B, MAX_QUESTION] tokens, padded, to [B, HIDDEN]."""
        return self.question(self.words(question))[1][0]


class Step(nn.Module):
    """One word: from the word before, the state and the context to scores, state, context and where it looked."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), EMBEDDING)
        self.cell = nn.LSTMCell(EMBEDDING + CHANNELS, HIDDEN)
        self.scores = nn.Linear(HIDDEN + CHANNELS, len(WORDS))

    def forward(
        self,
        token: torch.Tensor,
        hidden: torch.Tensor,
        cell: torch.Tensor,
        context: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        hidden, cell = self.cell(torch.cat([self.words(token[:, 0]), context], 1), (hidden, cell))
        alpha = torch.softmax(hidden.unsqueeze(1) @ keys.transpose(1, 2), -1)
        context = (alpha @ values).squeeze(1)
        return self.scores(torch.cat([hidden, context], 1)), hidden, cell, context, alpha.squeeze(1)


def mark_places(cells: tuple[int, ...]) -> np.ndarray:
    """The map's places in these cells, bool [36]."""
    side = MAP_SIZE // 3
    marked = np.isin(np.arange(9).reshape(3, 3), cells)
    return marked.repeat(side, 0).repeat(side, 1).reshape(-1)


def mark_words(words: list[tuple[int, ...]], length: int) -> np.ndarray:
    """The places of each word's cells, bool [length, 36]."""
    return np.stack([mark_places(cells) for cells in [*words, *[()] * (length - len(words))]])


def make_pixels(drawn: list[scenes.Scene]) -> torch.Tensor:
    """float32 [B, 3, 48, 48] in [-1, 1]."""
    pixels = np.stack([np.asarray(scenes.draw(scene)) for scene in drawn])
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)


def make_captions(drawn: list[scenes.Scene]) -> torch.Tensor:
    """[B, MAX_CAPTION] tokens, framed and padded."""
    return torch.tensor([encode_words(scene.caption, MAX_CAPTION, frame=True) for scene in drawn])


def make_questions(asked: list[scenes.Question]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the questions, padded, and of their answers, framed and padded."""
    questions = [encode_words(each.text, MAX_QUESTION, frame=False) for each in asked]
    answers = [encode_words(each.answer, MAX_ANSWER, frame=True) for each in asked]
    return torch.tensor(questions), torch.tensor(answers)


def compute_loss(
    step: Step, picture: tuple[torch.Tensor, ...], hidden: torch.Tensor, texts: torch.Tensor, marks: torch.Tensor
) -> torch.Tensor:
    """Of all words, each given those before it, and of where the step looks."""
    keys, values, context = picture
    cell = torch.zeros_like(hidden)
    scores, alphas = [], []
    length = int((texts != PAD).sum(1).max()) - 1
    for index in range(length):
        row, hidden, cell, context, alpha = step(texts[:, index : index + 1], hidden, cell, context, keys, values)
        scores.append(row)
        alphas.append(alpha)
    words = functional.cross_entropy(torch.stack(scores, 2), texts[:, 1 : length + 1], ignore_index=PAD)
    marks = marks[:, :length]
    seen = (torch.stack(alphas, 1) * marks).sum(-1)[marks.any(-1)]
    return words - seen.clamp_min(1e-6).log().mean()


def train(encoder: Encoder, step: Step, minutes: float, batch: int) -> None:
    """Fresh scenes for every step, a caption and two questions of each; AdamW, warmed up, then falling to zero."""
    parameters = [*encoder.parameters(), *step.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=0.0, weight_decay=1e-4, foreach=True)
    begin, number = time.monotonic(), 0
    while (done := (time.monotonic() - begin) / (60 * minutes)) < 1:
        drawn = [scenes.make_scene(number * batch + index) for index in range(batch)]
        asked = [scenes.make_question(scene, index) for index in range(2) for scene in drawn]
        questions, answers = make_questions(asked)
        picture = encoder(make_pixels(drawn))
        marks = torch.from_numpy(np.stack([mark_words(scene.word_cells, MAX_CAPTION - 1) for scene in drawn]))
        captioned = compute_loss(step, picture, torch.zeros(batch, HIDDEN), make_captions(drawn), marks)
        marks = torch.from_numpy(np.stack([mark_words(question.word_cells, MAX_ANSWER - 1) for question in asked]))
        twice = tuple(torch.cat([part, part]) for part in picture)
        answered = compute_loss(step, twice, encoder.read_question(questions), answers, marks)
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1, number / 100) * min(1, 1.25 * (1 - done))
        optimizer.zero_grad()
        (captioned + answered).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        number += 1
        if number % 100 == 0:
            losses = f"losses {captioned.item():.4f} {answered.item():.4f}"
            print(f"step {number}, {losses}, {time.monotonic() - begin:.0f} s", flush=True)


def choose_greedily(step: Step, picture: tuple[torch.Tensor, ...], hidden: torch.Tensor, length: int) -> torch.Tensor:
    """The tokens, start included and padded behind the end, [B, length]."""
    keys, values, context = picture
    cell = torch.zeros_like(hidden)
    tokens = torch.full((len(hidden), length), PAD)
    tokens[:, 0] = START
    ended = torch.zeros(len(hidden), dtype=torch.bool)
    for index in range(1, length):
        scores, hidden, cell, context, _ = step(tokens[:, index - 1 : index], hidden, cell, context, keys, values)
        tokens[:, index] = torch.where(ended, PAD, scores.argmax(-1))
        ended |= tokens[:, index] == END
    return tokens


def check(encoder: Encoder, step: Step) -> None:
    """Prints how many held-out captions and answers are exactly right."""
    drawn = [scenes.make_scene(scenes.HELD_OUT + index) for index in range(NUM_CHECKED)]
    picture = encoder(make_pixels(drawn))
    captions = choose_greedily(step, picture, torch.zeros(NUM_CHECKED, HIDDEN), MAX_CAPTION)
    questions, answers = make_questions([scenes.make_question(scene) for scene in drawn])
    answered = choose_greedily(step, picture, encoder.read_question(questions), MAX_ANSWER)
    print(f"{(captions == make_captions(drawn)).all(1).sum()} of {NUM_CHECKED} held-out captions are right")
    print(f"{(answered == answers).all(1).sum()} of {NUM_CHECKED} held-out answers are right")


def export_graph(module: nn.Module, inputs: tuple, given: list[str], made: list[str], path: pathlib.Path) -> None:
    """ONNX of any batch."""
    axes = {name: {0: "batch"} for name in given + made}
    options = {"input_names": given, "output_names": made, "dynamic_axes": axes, "opset_version": 17}
    torch.onnx.export(module, inputs, str(path), dynamo=False, **options)


def export(encoder: Encoder, step: Step, folder: pathlib.Path, *, asks: bool) -> None:
    """Writes the two graphs, the words and how vitc runs them."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = torch.zeros(2, 3, scenes.IMAGE_SIZE, scenes.IMAGE_SIZE)
    inputs = (pixels, torch.full((2, MAX_QUESTION), UNKNOWN)) if asks else (pixels,)
    memory = ["keys", "values", "context", *(["hidden"] if asks else [])]
    export_graph(encoder, inputs, ["pixel_values", "question"][: len(inputs)], memory, folder / "encoder.onnx")
    keys, values, context = encoder(pixels)
    hidden = torch.zeros(2, HIDDEN)
    states = ["hidden", "cell", "context"]
    export_graph(
        step,
        (torch.full((2, 1), START), hidden, hidden, context, keys, values),
        ["token", *states, "keys", "values"],
        ["scores", *(state + "_next" for state in states), "alpha"],
        folder / "step.onnx",
    )
    (folder / "words.txt").write_text("\n".join(WORDS) + "\n")
    manifest = {
        "encoder": "encoder.onnx",
        "step": "step.onnx",
        "token": "token",
        "scores": "scores",
        "attention": "alpha",
        "states": {state: state + "_next" for state in states},
        "words": "words.txt",
        "unknown": "<unk>",
        "start": "<start>",
        "end": "<end>",
        "pad": "<pad>",
        "max_length": MAX_ANSWER if asks else MAX_CAPTION,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "name": "scene-answers" if asks else "scene-captions",
    }
    if asks:
        manifest["text"] = {"ids": "question", "max_length": MAX_QUESTION}
    (folder / "vitc.json").write_text(json.dumps(manifest, indent=2) + "\n")


def main() -> None:
    """Trains, writes and counts what is right."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("caption", type=pathlib.Path, help="the folder of what describes scenes")
    parser.add_argument("answer", type=pathlib.Path, help="the folder of what answers questions")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=48)
    options = parser.parse_args()
    torch.manual_seed(0)
    encoder, step = Encoder(), Step()
    train(encoder, step, options.minutes, options.batch)
    encoder.eval(), step.eval()
    with torch.no_grad():
        export(encoder, step, options.caption, asks=False)
        export(encoder, step, options.answer, asks=True)
        check(encoder, step)


if __name__ == "__main__":
    main()
