# ===- compare.py - vitc beside other runtimes ----------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares vitc's programs with other runtimes on ONNX files and on models of the zoo.

    python benchmarks/compare.py zoo:vit-b model.onnx --threads 1 --rounds 11 --json results.json

Compiles each model, checks all results against ONNX Runtime, then measures in interleaved pairs: the machine's peak,
vitc and a peer, one after the other, each in a process of its own. benchmarks/README.md explains the columns.

Exit codes: 0 done, 1 a step did not work or a result differs, 2 bad command line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import flops
import machine
import model_file
import report
from contenders import (
    PEERS,
    REPO,
    Contender,
    Settings,
    compile_program,
    computed_share,
    describe,
    first_result,
    is_installed,
    time_runs,
    without_model,
)
from machine import BenchmarkError
from options import peer_names, positive, seconds

# Largest difference from ONNX Runtime, as a part of an output's largest value.
TOLERANCE = 1e-4
# Rounds that also take the time to the first result, which a process and a file's pages disturb little.
FIRST_RESULT_ROUNDS = 3


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="MODEL", help="zoo:NAME, FILE.onnx or a folder of such files")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of every program (default 1)")
    parser.add_argument("--rounds", type=positive, default=11, metavar="N", help="pairs for each peer (default 11)")
    parser.add_argument("--min-time", type=seconds, default=2.0, metavar="S", help="of one measurement (default 2)")
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="images in a run (default 1)")
    parser.add_argument("--peers", type=peer_names, metavar="A,B", help=f"of {','.join(PEERS)} (default: all)")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="has bin/vitc")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    options = parser.parse_args(arguments)
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: '{options.json}' is in no folder that exists; it needs one")
    return options


def choose_peers(asked: list[str] | None, build: Path) -> list[str]:
    """The peers asked for, which must be there, or all that are."""
    cache = build / "CMakeCache.txt"
    without_onednn = cache.is_file() and "VITC_ENABLE_ONEDNN:BOOL=OFF" in cache.read_text()
    missing = {name for name in ("onnxruntime", "openvino") if not is_installed(name)}
    missing |= {"vitc-onednn"} if without_onednn else set()
    if "onnxruntime" in missing:
        raise BenchmarkError("the Python package onnxruntime is not installed; every result is checked against it")
    for name in asked or []:
        if name in missing:
            raise BenchmarkError(f"{PEERS[name]} is not installed; --peers names it")
    return asked or [name for name in PEERS if name not in missing]


def difference(outputs: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Largest difference as a part of an output's largest value; infinite where the two cannot be compared."""
    if [value.shape for value in outputs] != [value.shape for value in expected]:
        return float("inf")
    largest = 0.0
    for value, reference in zip(outputs, expected):
        if not (np.isfinite(value).all() and np.isfinite(reference).all()):
            return float("inf")
        error = float(np.abs(value.astype(np.float64) - reference).max())
        largest = max(largest, error / (float(np.abs(reference).max()) or 1.0))
    return largest


def check_results(
    contenders: list[Contender], reference: Contender, inputs: dict[str, Path], settings: Settings, folder: Path
) -> list[dict]:
    """Describes each contender, with its difference from the reference.

    Raises:
        BenchmarkError: a difference is above TOLERANCE.
    """
    expected, _ = first_result(reference, inputs, settings, folder)
    described = []
    for contender in contenders:
        outputs, _ = first_result(contender, inputs, settings, folder)
        largest = difference(outputs, expected)
        if not largest < TOLERANCE:
            raise BenchmarkError(
                f"{contender.name} differs from ONNX Runtime by {largest:.1e} of the largest value; "
                f"less than {TOLERANCE:.0e} is needed"
            )
        described.append({**describe(contender), "max_difference": largest})
    return described


def say(text: str) -> None:
    """Progress, for someone who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def measure_first(contenders: list[Contender], inputs: dict[str, Path], settings: Settings, folder: Path) -> dict:
    """By contender the time of a process with one result, and what of its time and memory is not the model's."""
    measured = {}
    for contender in contenders:
        base = without_model(contender, inputs, settings, folder)
        _, usage = first_result(contender, inputs, settings, folder)
        measured[contender.name] = report.First(usage["wall_ms"], base["wall_ms"], base["max_rss_bytes"])
    return measured


def measure_round(
    number: int, vitc: Contender, others: list[Contender], inputs: dict[str, Path], settings: Settings, folder: Path
) -> list[report.Pair]:
    """vitc between two peers, each measured directly before or after it, until every peer is in one pair.

    The order turns round from round to round, so that a machine that slows down favours nobody.
    """
    pairs = []
    for first in range(0, len(others), 2):
        peak = machine.measure_fma(settings.tools, settings.threads)
        order = [others[first], vitc, *others[first + 1 : first + 2]]
        if number % 2:
            order.reverse()
        results = {contender.name: time_runs(contender, inputs, settings, folder) for contender in order}
        for other in others[first : first + 2]:
            pairs.append(report.Pair(other.name, peak["gflops"], results["vitc"], results[other.name]))
    return pairs


def compare(model: str, peers: list[str], rounds: int, settings: Settings, folder: Path) -> report.Measurements:
    """Prepares and measures one model; files go to `folder`, vitc's program is `folder`/vitc."""
    name = model_file.model_name(model)
    say(f"{name}: prepare")
    vitc = compile_program(model, "vitc", settings, folder)
    onnx = model_file.export(model, settings, folder)
    others = [
        compile_program(model, peer, settings, folder) if peer == "vitc-onednn" else Contender(peer, peer, onnx, 0)
        for peer in peers
    ]
    contenders = [vitc, *others]
    inputs = model_file.make_inputs(onnx, folder)

    say(f"{name}: check")
    measured = report.Measurements(
        name,
        settings.batch,
        settings.threads,
        flops=flops.of_onnx(onnx, {source: np.load(path) for source, path in inputs.items()}),
        computed_share=computed_share(model, settings),
        read_gb_per_s=machine.measure_read(settings.tools, settings.threads),
        isa=machine.measure_fma(settings.tools, settings.threads)["isa"],
        contenders=check_results(contenders, Contender("reference", "onnxruntime", onnx, 0), inputs, settings, folder),
    )
    for number in range(rounds):
        say(f"{name}: round {number + 1} of {rounds}")
        if number < FIRST_RESULT_ROUNDS:
            measured.firsts.append(measure_first(contenders, inputs, settings, folder))
        measured.pairs += measure_round(number, vitc, others, inputs, settings, folder)
    say("")
    return measured


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    tools = options.build_dir / "benchmarks"
    results = []
    try:
        vitc = machine.find_vitc(options.build_dir)
        settings = Settings(vitc, tools, options.threads, options.batch, options.min_time)
        peers = choose_peers(options.peers, options.build_dir)
        models = model_file.find_models(options.models)
        machine.build_tools(tools)
        described = machine.describe(vitc)
        for model in models:
            with tempfile.TemporaryDirectory(prefix="vitc-compare-") as folder:
                measured = compare(model, peers, options.rounds, settings, Path(folder))
            rows = [report.summarize(measured, contender) for contender in measured.contenders]
            if not results:
                print(f"{described['cpu']}, {described['cpus']} CPUs, load {described['load'][0]:.1f}")
            results.append({**dataclasses.asdict(measured), "rows": rows})
            print(f"\n{report.format_table(measured, rows)}", flush=True)
        if options.json:
            options.json.write_text(json.dumps({"machine": described, "models": results}, indent=2) + "\n")
    except (BenchmarkError, ValueError, OSError) as error:
        say("")
        print(f"compare.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
