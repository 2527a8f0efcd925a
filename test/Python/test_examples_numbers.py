# ===- test_examples_numbers.py - Numbers in words --------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""examples/numbers spells out numbers that it was not trained on, with the tokens of transformers' generate()."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import REPO, VITC, run_ok

FOLDER = REPO / "examples" / "numbers"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("numbers") / "numbers"
    run_ok(VITC, FOLDER / "model", "-o", path, "--march=native")
    return path


@pytest.mark.parametrize(("search", "beams"), [("greedy", 1), ("beams", 4)])
def test_held_out_numbers(program: Path, search: str, beams: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    spelling = importlib.import_module("spelling")
    with np.load(FOLDER / "model" / "expected.npz") as data:
        numbers, expected = data["numbers"], data[search]
    assert len(numbers) > 400
    assert spelling.is_held_out(numbers).all()
    texts = [option for number in numbers for option in ("--text", str(number))]
    results = json.loads(run_ok(program, "--threads", "1", "--json", "--beams", str(beams), *texts))
    config = json.loads((FOLDER / "model" / "config.json").read_text())
    frame = {config["pad_token_id"], config["eos_token_id"]}
    tokens = [[token for token in row if token not in frame] for row in expected.tolist()]
    assert [result["tokens"] for result in results] == tokens
    assert [result["generated"] for result in results] == [spelling.spell(int(number)) for number in numbers]
