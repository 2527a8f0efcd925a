# ===- sequence.py - Cost of attention over the sequence length ------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times global, windowed and Linformer attention layers of 50 to 16384 tokens beside the papers' formulas.

    python benchmarks/sequence.py --threads 1 --plot sequence.svg

Each layer is compiled by vitc from an ONNX file (attention_blocks.py); a point is the median of --rounds processes, the
peak measured before each.

Exit codes: 0 done, 1 a step did not work, 2 bad command line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import attention_blocks
import machine
import plots
from contenders import REPO, Settings, compile_program, time_runs
from machine import BenchmarkError
from options import positive, seconds
from report import align, format_threads, quartiles

TOKENS = [50, 128, 256, 512, 1024, 2048, 4096, 8192, 16384]
ROUNDS = 3


def measure_point(kind: str, tokens: int, rounds: int, settings: Settings, folder: Path) -> dict:
    """{"kind", "tokens", "flops", "median_ms", "share_of_peak"} of one layer."""
    model = folder / "layer.onnx"
    attention_blocks.write(kind, tokens, model)
    program = compile_program(str(model), "vitc", settings, folder)
    tokens = attention_blocks.round_tokens(kind, tokens)
    flops = attention_blocks.formula_flops(kind, tokens)
    times, shares = [], []
    for _ in range(rounds):
        peak = machine.measure_fma(settings.tools, settings.threads)["gflops"]
        times.append(time_runs(program, {}, settings, folder)["median_ms"])
        shares.append(flops / (times[-1] * 1e6) / peak)
    median, share = quartiles(times)[1], quartiles(shares)[1]
    return {"kind": kind, "tokens": tokens, "flops": flops, "median_ms": median, "share_of_peak": share}


def measure(tokens: list[int], rounds: int, settings: Settings, say=lambda _: None) -> list[dict]:
    """A point for each kind and number of tokens; `say` takes progress."""
    points = []
    with tempfile.TemporaryDirectory(prefix="vitc-sequence-") as folder:
        for kind in attention_blocks.KINDS:
            for number in tokens:
                say(f"{kind} attention: {number} tokens")
                points.append(measure_point(kind, number, rounds, settings, Path(folder)))
    say("")
    return points


def format_points(points: list[dict]) -> list[list[str]]:
    """Cells of a table; the growth is beside the point before, as an exponent of the number of tokens."""
    cells = [["attention", "tokens", "GFLOP", "ms", "% of peak", "x time", "x formula"]]
    before: dict[str, dict] = {}
    for point in points:
        last = before.get(point["kind"])
        cells.append(
            [
                point["kind"],
                str(point["tokens"]),
                f"{point['flops'] / 1e9:.3f}",
                f"{point['median_ms']:.3f}",
                f"{100 * point['share_of_peak']:.1f}",
                f"{point['median_ms'] / last['median_ms']:.2f}" if last else "",
                f"{point['flops'] / last['flops']:.2f}" if last else "",
            ]
        )
        before[point["kind"]] = point
    return cells


def plot(points: list[dict], title: str) -> str:
    """Measured times as marks, the time that the formulas' operations take at the peak as lines."""
    # The peak that the points themselves were measured beside.
    peak = quartiles([point["flops"] / point["median_ms"] / point["share_of_peak"] for point in points])[1]
    series = []
    for kind in attention_blocks.KINDS:
        mine = [point for point in points if point["kind"] == kind]
        series.append(plots.Series(kind, [(point["tokens"], point["median_ms"]) for point in mine]))
        line = [(point["tokens"], point["flops"] / peak) for point in mine]
        series.append(plots.Series(f"{kind}, formula at peak", line, is_reference=True))
    return plots.log_lines(title, "tokens", "milliseconds", series)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of every program (default 1)")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, metavar="N", help=f"for a point (default {ROUNDS})")
    parser.add_argument("--min-time", type=seconds, default=0.3, metavar="S", help="of one measurement (default 0.3)")
    parser.add_argument("--max-tokens", type=positive, default=max(TOKENS), metavar="N", help="leave out longer ones")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="has bin/vitc")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the points beside the formulas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all points")
    options = parser.parse_args(arguments)
    tools = options.build_dir / "benchmarks"
    try:
        vitc = machine.find_vitc(options.build_dir)
        settings = Settings(vitc, tools, options.threads, batch=1, min_time=options.min_time)
        machine.build_tools(tools)
        points = measure([number for number in TOKENS if number <= options.max_tokens], options.rounds, settings)
        print("\n".join(align(format_points(points))))
        if options.plot:
            title = f"One attention layer, width {attention_blocks.DIM}, {format_threads(options.threads)}"
            options.plot.write_text(plot(points, title))
        if options.json:
            options.json.write_text(json.dumps(points, indent=2) + "\n")
    except (BenchmarkError, ValueError, OSError) as error:
        print(f"sequence.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
