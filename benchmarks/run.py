# ===- run.py - All benchmarks with one command ----------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Measures every model beside its peers and the machine's peak, and attention over the sequence length.

    python benchmarks/run.py [MODEL...] --threads 1,2

Writes NAME.json, NAME.md and plots, NAME-*.svg; NAME is the day and the CPU in benchmarks/results. benchmarks/README.md
says how it is measured.

Exit codes: 0 done, 1 a step did not work or a result differs, 2 bad command line.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import re
import sys
import tempfile
from pathlib import Path

import compare
import limits
import machine
import model_file
import report
import sequence
import summary
from contenders import PEERS, REPO, Settings
from machine import BenchmarkError
from options import peer_names, positive, positives, seconds

MODELS = ["zoo:vit-b", "zoo:vit-ti", "zoo:swin-t", "zoo:hybrid-r26-s", "zoo:vit-b?image=384", "zoo:linformer-2048"]
DEFAULT_PEERS = ["onnxruntime", "openvino"]


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "models",
        nargs="*",
        default=MODELS,
        metavar="MODEL",
        help=f"zoo:NAME, FILE.onnx or a folder of such files, as models.py writes (default: {len(MODELS)} of the zoo)",
    )
    parser.add_argument("--threads", type=positives, default=[1], metavar="N,M", help="of every program (default 1)")
    parser.add_argument("--rounds", type=positive, default=11, metavar="N", help="pairs for each peer (default 11)")
    parser.add_argument("--min-time", type=seconds, default=0.5, metavar="S", help="of one measurement (default 0.5)")
    parser.add_argument(
        "--peers", type=peer_names, metavar="A,B", help=f"of {','.join(PEERS)} (default: {','.join(DEFAULT_PEERS)})"
    )
    parser.add_argument("--max-tokens", type=positive, default=max(sequence.TOKENS), metavar="N", help="of attention")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="has bin/vitc")
    parser.add_argument("--output", type=Path, metavar="NAME", help="of the files, in place of the day and the CPU")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="replace the tables of a page, as performance.md")
    return parser.parse_args(arguments)


def measure_model(model: str, peers: list[str], rounds: int, settings: Settings) -> dict:
    with tempfile.TemporaryDirectory(prefix="vitc-run-") as name:
        folder = Path(name)
        measured = compare.compare(model, peers, rounds, settings, folder)
        lost = limits.measure(folder / "vitc", settings.tools, settings.threads)
    rows = [report.summarize(measured, contender) for contender in measured.contenders]
    print(f"\n{report.format_table(measured, rows)}", flush=True)
    return {**dataclasses.asdict(measured), "rows": rows, "limits": lost}


def measure_all(options: argparse.Namespace) -> dict:
    vitc, tools = machine.find_vitc(options.build_dir), options.build_dir / "benchmarks"
    peers = options.peers or [name for name in DEFAULT_PEERS if compare.is_installed(name)]
    peers = compare.choose_peers(peers, options.build_dir)
    models = model_file.find_models(options.models)
    machine.build_tools(tools)
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(vitc),
        "rounds": options.rounds,
        "min_time": options.min_time,
        "models": [],
    }
    for threads in options.threads:
        settings = Settings(vitc, tools, threads, batch=1, min_time=options.min_time)
        results["models"] += [measure_model(model, peers, options.rounds, settings) for model in models]
    lengths = [number for number in sequence.TOKENS if number <= options.max_tokens]
    settings = Settings(vitc, tools, options.threads[0], batch=1, min_time=options.min_time)
    results["sequence"] = sequence.measure(lengths, sequence.ROUNDS, settings, compare.say)
    return results


def write_results(results: dict, output: Path) -> list[Path]:
    """Writes all files, and returns their paths."""
    output.parent.mkdir(parents=True, exist_ok=True)
    plots = {
        f"{output.name}-{threads}t.svg": summary.plot_models(results, threads)
        for threads in dict.fromkeys(model["threads"] for model in results["models"])
    }
    plots[f"{output.name}-sequence.svg"] = summary.plot_sequence(results)
    texts = {
        f"{output.name}.json": json.dumps(results, indent=1) + "\n",
        f"{output.name}.md": summary.format_summary(results, list(plots)),
        **plots,
    }
    for name, text in texts.items():
        (output.parent / name).write_text(text)
    return [output.parent / name for name in texts]


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        page = options.page.read_text() if options.page else ""
        if options.page:
            # Now, rather than behind all measurements.
            summary.check_page(page)
        results = measure_all(options)
        cpu = re.sub(r"[^a-z0-9]+", "-", results["machine"]["cpu"].lower()).strip("-")
        output = options.output or REPO / "benchmarks" / "results" / f"{results['date']}-{cpu}"
        for path in write_results(results, output):
            print(path)
        if options.page:
            options.page.write_text(summary.update_page(page, results))
    except (BenchmarkError, ValueError, OSError) as error:
        compare.say("")
        print(f"run.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
