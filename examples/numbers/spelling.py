# ===- spelling.py - Numbers in English words ------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The task that train.py's model learns, and which numbers it never sees; needs numpy."""

from __future__ import annotations

import numpy as np

# fmt: off
ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SIZES = {"thousand": 1000, "hundred": 100}
# fmt: on


def spell(number: int) -> str:
    """The number in words."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    for name, size in SIZES.items():
        if number >= size:
            rest = f" {spell(number % size)}" if number % size else ""
            return f"{spell(number // size)} {name}{rest}"
    raise AssertionError


def is_held_out(numbers: np.ndarray) -> np.ndarray:
    """Which numbers have no part in training; all below 100 do, for each has a word of its own."""
    return (numbers >= 100) & ((numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(60)) == 0)


def draw_numbers(rng: np.random.Generator, count: int, *, held_out: bool) -> np.ndarray:
    """Numbers with every count of digits alike often."""
    numbers = np.zeros(0, np.int64)
    while len(numbers) < count:
        digits = rng.integers(1, 7, 4 * count)
        drawn = rng.integers(np.where(digits == 1, 0, 10 ** (digits - 1)), 10**digits)
        numbers = np.concatenate([numbers, drawn[is_held_out(drawn) == held_out]])
    return numbers[:count]
