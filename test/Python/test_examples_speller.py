# ===- test_examples_speller.py - Words in katakana -------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""examples/speller says of each word what e2k's own code, from which the weights are, said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import REPO, VITC, run_ok

MODEL = REPO / "examples" / "speller" / "model"
EXPECTED = json.loads((MODEL / "expected.json").read_text())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speller") / "speller"
    run_ok(VITC, MODEL, "-o", path, "--march=native")
    return path


def test_words(program: Path) -> None:
    assert len(EXPECTED) == 53
    texts = [option for word in EXPECTED for option in ("--text", word)]
    results = json.loads(run_ok(program, "--threads", "1", "--json", *texts))
    assert {result["text"]: result["generated"] for result in results} == EXPECTED


def test_prints_a_line_a_word(program: Path) -> None:
    assert run_ok(program, "--text", "Computer", "--text", "piano") == f"{EXPECTED['computer']}\n{EXPECTED['piano']}\n"


def test_letters_it_does_not_know(program: Path) -> None:
    """As e2k, which leaves them out."""
    assert run_ok(program, "--text", "pi4ano!") == run_ok(program, "--text", "piano")
