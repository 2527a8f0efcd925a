# ===- options.py - Values on the command lines of the benchmarks ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Types of argparse: each returns the value or says what was found and what is needed."""

from __future__ import annotations

import argparse

from contenders import PEERS


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs a positive integer")
    return int(text)


def positives(text: str) -> list[int]:
    return [positive(item) for item in text.split(",")]


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 3600:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs a number of seconds below 3600")
    return value


def peer_names(text: str) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"'{name}'; it needs names of {', '.join(PEERS)}")
    return names
