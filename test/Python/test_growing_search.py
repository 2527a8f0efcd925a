# ===- test_growing_search.py - Rules of a manifest's search ---------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Lengths, repeats and tokens that a manifest forbids, of people's own decoders: each against the same rule in
Python, over what ONNX Runtime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from growing_steps import END, START, WORDS, Step, StepBuilder, change_model, compile_model, search

from harness import VITC, error_line, run_ok

LENGTH, PROMPTS = 14, [[3 + item, 17 - 2 * item] for item in range(7)]


def apply_rules(manifest: dict[str, Any], scores: np.ndarray, tokens: list[int]) -> np.ndarray:
    """As transformers' logits processors, in its order."""
    scores = scores.copy()
    penalty = manifest.get("repetition_penalty", 1.0)
    seen = sorted(set(tokens))
    scores[seen] = np.where(scores[seen] < 0, scores[seen] * penalty, scores[seen] / penalty)
    before = manifest.get("no_repeat_ngram_size", 0) - 1
    for begin in range(len(tokens) - before if before >= 0 else 0):
        if tokens[begin : begin + before] == tokens[len(tokens) - before :]:
            scores[tokens[begin + before]] = -np.inf
    for token in manifest.get("suppress", []):
        scores[token] = -np.inf
    if len(tokens) < manifest.get("min_length", 0):
        scores[END] = -np.inf
    return scores


RULES = [
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 2},
    {"repetition_penalty": 1.7},
    {"repetition_penalty": 0.8},
    {"suppress": [5, 7, 12]},
    {"min_length": 10},
    {"length_penalty": 0.0},
    {"length_penalty": 2.5},
    {"early_stopping": True},
    {"repetition_penalty": 1.3, "no_repeat_ngram_size": 3, "suppress": [4], "min_length": 8, "length_penalty": 0.5},
]


@pytest.mark.parametrize("rules", RULES, ids=["-".join(f"{name}={value}" for name, value in r.items()) for r in RULES])
def test_rules(tmp_path: Path, rules: dict[str, Any]) -> None:
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    folder = change_model(tmp_path / "model", lambda _, manifest: manifest.update(rules))
    program = compile_model(folder, tmp_path / "program")
    np.save(tmp_path / "token.npy", np.array(PROMPTS))
    step, changed = Step(folder), 0
    for beams in (1, 3):
        out = tmp_path / f"out{beams}"
        run_ok(program, "--input", f"token={tmp_path / 'token.npy'}", "--output-dir", out, f"--beams={beams}")
        tokens, scores = np.load(out / "tokens.npy").tolist(), np.load(out / "scores.npy")
        for prompt, said, score in zip(PROMPTS, tokens, scores, strict=True):
            expected, rating = search(
                step,
                [START, *prompt],
                beams,
                LENGTH,
                apply=lambda scores, tokens: apply_rules(rules, scores, tokens),
                penalty=rules.get("length_penalty", 1.0),
                stops=rules.get("early_stopping", False),
            )
            assert said[: len(expected)] == expected
            assert score == pytest.approx(rating, rel=1e-5, abs=1e-4)
            changed += expected != search(step, [START, *prompt], beams, LENGTH)[0]
    assert changed or "early_stopping" in rules or "length_penalty" in rules, "the rule changes nothing"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suppress": WORDS}, f"suppress = {WORDS}; it needs a token's number, below {WORDS}"),
        ({"suppress": []}, "suppress = []; it needs a token or more"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size = -1; it needs"),
        ({"repetition_penalty": "much"}, "repetition_penalty = "),
        ({"repetition_penalty": 0}, "repetition"),
        ({"early_stopping": "soon"}, "early_stopping = "),
    ],
)
def test_errors(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    StepBuilder().build(tmp_path / "model" / "step.onnx")
    folder = change_model(tmp_path / "model", lambda _, manifest: manifest.update(changes))
    assert message in error_line(VITC, folder, "-o", tmp_path / "out", code=1)
