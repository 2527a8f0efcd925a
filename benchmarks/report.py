# ===- report.py - Statistics and the table of a comparison ---------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Turns the measurements of one model into rows and a table.

Every ratio and every share of the peak is formed within one pair, whose parts ran directly after each other, and the
median is taken over those: the clock of a machine and what else it runs change within minutes.
"""

from __future__ import annotations

import dataclasses

import numpy as np

SIZE_COLUMNS = ["peak MB", "own MB", "first ms", "own ms", "deployed MB"]
COLUMNS = [
    "program",
    "median ms",
    "quartiles",
    "peer/vitc",
    "quartiles",
    "GFLOP/s",
    "% of peak",
    "max diff",
    *SIZE_COLUMNS,
]
# Below this part of the model's operations a line says what vitc computes; fusion alone saves less.
LEAST_SHARE = 0.995


@dataclasses.dataclass(frozen=True)
class Pair:
    """vitc and a peer, measured one after the other, behind the peak."""

    peer: str
    peak_gflops: float
    vitc: dict
    other: dict


@dataclasses.dataclass(frozen=True)
class First:
    """A process with one result, from its start to its end, and what the same process takes without a model."""

    wall_ms: float
    base_ms: float
    base_rss_bytes: int


@dataclasses.dataclass
class Measurements:
    """All that was measured of one model; the first contender is vitc."""

    model: str
    batch: int
    threads: int
    flops: int  # of the model file, for the whole batch
    computed_share: float  # the part of the model's operations that vitc's program computes
    read_gb_per_s: float
    isa: str
    contenders: list[dict] = dataclasses.field(default_factory=list)  # by compare.check_results
    pairs: list[Pair] = dataclasses.field(default_factory=list)
    firsts: list[dict[str, First]] = dataclasses.field(default_factory=list)  # of a round, by contender


def quartiles(values: list[float]) -> list[float]:
    """Lower quartile, median, upper quartile."""
    return [float(value) for value in np.percentile(values, [25, 50, 75])]


def summarize(measured: Measurements, contender: dict) -> dict:
    """The row of one contender; times in milliseconds, sizes in bytes."""
    name = contender["name"]
    if name == "vitc":
        runs = [(pair.vitc, pair.peak_gflops) for pair in measured.pairs]
        ratios = []
    else:
        pairs = [pair for pair in measured.pairs if pair.peer == name]
        runs = [(pair.other, pair.peak_gflops) for pair in pairs]
        ratios = [pair.other["median_ms"] / pair.vitc["median_ms"] for pair in pairs]
    times = [result["median_ms"] for result, _ in runs]
    shares = [measured.flops / (result["median_ms"] * 1e6) / peak for result, peak in runs]
    median = quartiles(times)[1]
    peak_bytes = max(result["max_rss_bytes"] for result, _ in runs)
    firsts = [of_round[name] for of_round in measured.firsts]
    return {
        **contender,
        "median_ms": median,
        "median_ms_quartiles": quartiles(times),
        "ratio_quartiles": quartiles(ratios) if ratios else None,
        "gflops": measured.flops / (median * 1e6),
        "share_quartiles": quartiles(shares),
        "max_rss_bytes": peak_bytes,
        "own_rss_bytes": peak_bytes - max(first.base_rss_bytes for first in firsts),
        "first_result_ms": quartiles([first.wall_ms for first in firsts])[1],
        "own_first_result_ms": quartiles([first.wall_ms - first.base_ms for first in firsts])[1],
        "deployed_bytes": contender["file_bytes"] + contender["library_bytes"],
    }


def align(cells: list[list[str]]) -> list[str]:
    """Lines of a table for a terminal: the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = []
    for line in cells:
        texts = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
        lines.append("  ".join(texts).rstrip())
    return lines


def format_threads(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def format_sizes(row: dict) -> list[str]:
    """The cells of SIZE_COLUMNS."""
    return [
        f"{row['max_rss_bytes'] / 1e6:.0f}",
        f"{row['own_rss_bytes'] / 1e6:.0f}",
        f"{row['first_result_ms']:.0f}",
        f"{row['own_first_result_ms']:.0f}",
        f"{row['deployed_bytes'] / 1e6:.1f}",
    ]


def format_row(row: dict) -> list[str]:
    low, _, high = row["median_ms_quartiles"]
    ratios = row["ratio_quartiles"]
    return [
        f"{row['name']} {row['version']}",
        f"{row['median_ms']:.2f}",
        f"{low:.2f}-{high:.2f}",
        f"{ratios[1]:.3f}" if ratios else "1",
        f"{ratios[0]:.3f}-{ratios[2]:.3f}" if ratios else "",
        f"{row['gflops']:.1f}",
        f"{100 * row['share_quartiles'][1]:.1f}",
        f"{row['max_difference']:.1e}",
        *format_sizes(row),
    ]


def format_table(measured: Measurements, rows: list[dict]) -> str:
    """Text for a terminal: a heading, a line for each contender, and what vitc leaves out."""
    peak = quartiles([pair.peak_gflops for pair in measured.pairs])[1]
    lines = [
        f"{measured.model}  batch {measured.batch}, {format_threads(measured.threads)}, f32; "
        f"model {measured.flops / 1e9:.3f} GFLOP; peak {peak:.1f} GFLOP/s ({measured.isa}), "
        f"memory {measured.read_gb_per_s:.1f} GB/s"
    ]
    lines += align([COLUMNS, *map(format_row, rows)])
    share = measured.computed_share
    if share < LEAST_SHARE:
        lines.append(
            f"vitc computes {100 * share:.1f} % of the model's operations, as it leaves out rows that nothing reads, "
            f"or reorders products; by those it is at {100 * share * rows[0]['share_quartiles'][1]:.1f} % of the peak"
        )
    return "\n".join(lines)
