# ===- limits.py - Where a program's time goes, and what it loses ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares each kernel of compiled programs with the machine's peak, by the programs' own profiles.

    python benchmarks/limits.py PROGRAM... --threads 1 --top 10

A kernel loses the part of its time that the peak would not have needed for its operations. Each program is profiled
--runs times, each time behind a measurement of the peak. A launch's time is its least: what else the machine does is no
loss of the kernel's.

Exit codes: 0 done, 1 a step did not work, 2 bad command line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import statistics
import sys
import tempfile
from pathlib import Path

import machine
from contenders import REPO
from machine import BenchmarkError
from options import positive
from report import align, format_threads

RUNS = 3
COLUMNS = ["kernels", "launches", "% of time", "% of peak", "% lost"]
# What products are fused with, as their names say, in the order of the classes' names.
FUSED = {"norm": "norm", "gelu": "GELU", "residual": "residual", "statistics": "statistics"}
# The classes of other kernels whose names begin with another word.
NAMED = {"generic": "elementwise", "grouped": "grouped convolution"}


@dataclasses.dataclass
class Row:
    """Launches that are counted together."""

    name: str
    launches: int = 0
    microseconds: float = 0
    flops: float = 0
    bytes: float = 0


def class_of(kernel: str) -> str:
    """What a kernel is: a product with what is fused into it, else the first word of its name."""
    word, _, rest = kernel.partition("_")
    if word != "gemm":
        return NAMED.get(word, word)
    fused = [label for part, label in FUSED.items() if re.search(rf"_{part}(_|$)", f"_{rest}")]
    return ", ".join(["product", *fused])


def kernel_of(kernel: str) -> str:
    """The name without the number that tells variants of one shape apart."""
    return re.sub(r"(?<=[a-z0-9])_\d+$", "", kernel)


def read_profile(text: str) -> list[dict]:
    """The launches of a profile, in their order.

    Raises:
        ValueError: the profile has none.
    """
    launches = [event for event in json.loads(text)["traceEvents"] if event.get("cat") == "kernel"]
    if not launches:
        raise ValueError("the profile has no kernels; one or more are needed")
    return launches


def take_least(profiles: list[list[dict]]) -> list[Row]:
    """A row for each launch, with the least of its times.

    Raises:
        ValueError: the profiles are not of one program.
    """
    rows = []
    for launches in zip(*profiles):
        names = {launch["args"]["kernel"] for launch in launches}
        if len(names) != 1:
            raise ValueError(f"the profiles have different kernels, {' and '.join(sorted(names))}; one is needed")
        args = launches[0]["args"]
        time = min(launch["dur"] for launch in launches)
        rows.append(Row(args["kernel"], 1, time, args["flops"], args["bytes"]))
    return rows


def group(rows: list[Row], key) -> list[Row]:
    """Sums of the rows with the same key(name), longest first."""
    groups: dict[str, Row] = {}
    for row in rows:
        total = groups.setdefault(key(row.name), Row(key(row.name)))
        total.launches += row.launches
        total.microseconds += row.microseconds
        total.flops += row.flops
        total.bytes += row.bytes
    return sorted(groups.values(), key=lambda row: -row.microseconds)


def describe(row: Row, total: float, peak: float) -> dict:
    """A row beside the whole program's microseconds and the peak in GFLOP/s."""
    at_peak = row.flops / (peak * 1e3)
    return {
        **dataclasses.asdict(row),
        "share_of_time": row.microseconds / total,
        "share_of_peak": at_peak / row.microseconds if row.microseconds else 0.0,
        "lost": (row.microseconds - at_peak) / total,
    }


def measure(program: Path, tools: Path, threads: int, runs: int = RUNS) -> dict:
    """Profiles a program: {"peak_gflops", "milliseconds", "total", "classes", "kernels", "between"}."""
    profiles, peaks, spans = [], [], []
    with tempfile.TemporaryDirectory(prefix="vitc-limits-") as folder:
        profile = Path(folder) / "profile.json"
        for _ in range(runs):
            peaks.append(machine.measure_fma(tools, threads)["gflops"])
            machine.run([program, "--profile", profile, "--threads", str(threads)])
            profiles.append(read_profile(profile.read_text()))
            last = profiles[-1][-1]
            spans.append(last["ts"] + last["dur"] - profiles[-1][0]["ts"])
    rows = take_least(profiles)
    peak = statistics.median(peaks)
    [everything] = group(rows, lambda _: "all kernels")
    busy = everything.microseconds
    between = min(span - sum(launch["dur"] for launch in launches) for span, launches in zip(spans, profiles))
    return {
        "peak_gflops": peak,
        "milliseconds": busy / 1e3,
        "total": describe(everything, busy, peak),
        "classes": [describe(row, busy, peak) for row in group(rows, class_of)],
        "kernels": sorted((describe(row, busy, peak) for row in group(rows, kernel_of)), key=lambda row: -row["lost"]),
        "between": between / busy,
    }


def format_losses(row: dict) -> list[str]:
    """The cells of COLUMNS."""
    return [
        row["name"],
        str(row["launches"]),
        f"{100 * row['share_of_time']:.1f}",
        f"{100 * row['share_of_peak']:.1f}",
        f"{100 * row['lost']:.1f}",
    ]


def format_rows(measured: dict, top: int) -> list[list[str]]:
    """Cells of a table: the classes, then the kernels that lose most, then the sum."""
    cells = [[*COLUMNS, "GB/s"]]
    for row in (*measured["classes"], *measured["kernels"][:top], measured["total"]):
        rate = row["bytes"] / row["microseconds"] / 1e3 if row["microseconds"] else 0.0
        cells.append([*format_losses(row), f"{rate:.1f}"])
    return cells


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("programs", nargs="+", type=Path, metavar="PROGRAM", help="made by vitc compile")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of every program (default 1)")
    parser.add_argument("--runs", type=positive, default=RUNS, metavar="N", help=f"of a program (default {RUNS})")
    parser.add_argument("--top", type=positive, default=10, metavar="N", help="kernels to name (default 10)")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="for peak.cpp's program")
    options = parser.parse_args(arguments)
    tools = options.build_dir / "benchmarks"
    try:
        machine.build_tools(tools)
        for program in options.programs:
            measured = measure(program.absolute(), tools, options.threads, options.runs)
            print(
                f"{program.name}  {format_threads(options.threads)}; kernels {measured['milliseconds']:.2f} ms, "
                f"{100 * measured['between']:.1f} % between them; peak {measured['peak_gflops']:.1f} GFLOP/s"
            )
            print("\n".join(align(format_rows(measured, options.top))), end="\n\n", flush=True)
    except (BenchmarkError, ValueError, OSError) as error:
        print(f"limits.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
