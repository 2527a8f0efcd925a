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

COLUMNS = [
    "program",
    "median ms",
    "quartiles",
    "peer/vitc",
    "quartiles",
    "GFLOP/s",
    "% of peak",
    "max diff",
    "peak MB",
    "first ms",
    "file MB",
]


@dataclasses.dataclass(frozen=True)
class Pair:
    """vitc and a peer, measured one after the other, behind the peak."""

    peer: str
    peak_gflops: float
    vitc: dict
    other: dict


@dataclasses.dataclass
class Measurements:
    """All that was measured of one model; the first contender is vitc."""

    model: str
    batch: int
    threads: int
    flops: int  # of the model file, for the whole batch
    computed_flops: int  # of vitc's program
    read_gb_per_s: float
    isa: str = ""
    contenders: list[dict] = dataclasses.field(default_factory=list)  # by compare.check_results
    pairs: list[Pair] = dataclasses.field(default_factory=list)
    first_results: dict[str, list[float]] = dataclasses.field(default_factory=dict)  # name -> milliseconds


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
    return {
        **contender,
        "median_ms": median,
        "median_ms_quartiles": quartiles(times),
        "ratio_quartiles": quartiles(ratios) if ratios else None,
        "gflops": measured.flops / (median * 1e6),
        "share_of_peak": quartiles(shares)[1],
        "max_rss_bytes": max(result["max_rss_bytes"] for result, _ in runs),
        "first_result_ms": quartiles(measured.first_results[name])[1],
    }


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
        f"{100 * row['share_of_peak']:.1f}",
        f"{row['max_difference']:.1e}",
        f"{row['max_rss_bytes'] / 1e6:.0f}",
        f"{row['first_result_ms']:.0f}",
        f"{row['file_bytes'] / 1e6:.1f}",
    ]


def format_table(measured: Measurements, rows: list[dict]) -> str:
    """Text for a terminal: a heading, a line for each contender, and what vitc leaves out."""
    peak = quartiles([pair.peak_gflops for pair in measured.pairs])[1]
    threads = "1 thread" if measured.threads == 1 else f"{measured.threads} threads"
    lines = [
        f"{measured.model}  batch {measured.batch}, {threads}, f32; model {measured.flops / 1e9:.3f} GFLOP; "
        f"peak {peak:.1f} GFLOP/s ({measured.isa}), memory {measured.read_gb_per_s:.1f} GB/s"
    ]
    cells = [COLUMNS, *map(format_row, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    for line in cells:
        texts = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]
        lines.append("  ".join(texts).rstrip())
    share = measured.computed_flops / measured.flops
    if share < 1:
        lines.append(
            f"vitc computes {measured.computed_flops / 1e9:.3f} of the {measured.flops / 1e9:.3f} GFLOP, as it leaves "
            f"out rows that nothing reads; by those it is at {100 * share * rows[0]['share_of_peak']:.1f} % of the peak"
        )
    return "\n".join(lines)
