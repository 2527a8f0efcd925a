# ===- compare.py - vitc beside other runtimes ----------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares vitc's programs with other runtimes on models of the zoo.

    python benchmarks/compare.py zoo:vit-b zoo:deit-ti --threads 1 --rounds 11 --json results.json

Compiles each model, checks all results against ONNX Runtime, then measures in interleaved pairs: the machine's peak,
vitc and a peer, one after the other, each in a process of its own. benchmarks/README.md explains the columns.

Exit codes: 0 done, 1 a step did not work or a result differs, 2 bad command line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

import flops
import report
from contenders import (
    PEERS,
    REPO,
    BenchmarkError,
    Contender,
    Settings,
    build_tools,
    compile_program,
    dump_kernels,
    export_onnx,
    first_result,
    is_installed,
    measure_peak,
    time_runs,
    version,
)

# Largest difference from ONNX Runtime, as a part of the largest logit.
TOLERANCE = 1e-4
# Seconds of one measurement by peak.cpp.
FMA_SECONDS = 0.3
READ_SECONDS = 1.0


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    def positive(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"'{text}'; it needs a positive integer")
        return int(text)

    def seconds(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1
        if not 0 <= value < 3600:
            raise argparse.ArgumentTypeError(f"'{text}'; it needs a number of seconds below 3600")
        return value

    def peers(text: str) -> list[str]:
        names = list(dict.fromkeys(text.split(",")))
        for name in names:
            if name not in PEERS:
                raise argparse.ArgumentTypeError(f"'{name}'; it needs names of {', '.join(PEERS)}")
        return names

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="zoo:NAME")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of every program (default 1)")
    parser.add_argument("--rounds", type=positive, default=11, metavar="N", help="pairs for each peer (default 11)")
    parser.add_argument("--min-time", type=seconds, default=2.0, metavar="S", help="of one measurement (default 2)")
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="images in a run (default 1)")
    parser.add_argument("--peers", type=peers, metavar="A,B", help=f"of {','.join(PEERS)} (default: all there are)")
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


def difference(logits: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference as a part of the largest logit; infinite where the two cannot be compared."""
    if logits.shape != expected.shape or not np.isfinite(logits).all():
        return float("inf")
    return float(np.abs(logits.astype(np.float64) - expected).max() / np.abs(expected).max())


def check_results(
    contenders: list[Contender], reference: Contender, pixels: Path, settings: Settings, folder: Path
) -> list[dict]:
    """Describes each contender, with its difference from the reference.

    Raises:
        BenchmarkError: a difference is above TOLERANCE.
    """
    expected, _ = first_result(reference, pixels, settings, folder)
    described = []
    for contender in contenders:
        logits, _ = first_result(contender, pixels, settings, folder)
        largest = difference(logits, expected)
        if not largest < TOLERANCE:
            raise BenchmarkError(
                f"{contender.name} differs from ONNX Runtime by {largest:.1e} of the largest logit; "
                f"less than {TOLERANCE:.0e} is needed"
            )
        described.append(
            {
                "name": contender.name,
                "version": version(contender),
                "file_bytes": contender.artefact.stat().st_size,
                "prepare_seconds": contender.prepare_seconds,
                "max_difference": largest,
            }
        )
    return described


def say(text: str) -> None:
    """Progress, for someone who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def compare(model: str, peers: list[str], rounds: int, settings: Settings, folder: Path) -> report.Measurements:
    """Prepares and measures one model; files go to `folder`."""
    say(f"{model}: prepare")
    onnx = folder / "model.onnx"
    vitc = compile_program(model, "vitc", settings, folder)
    export_onnx(model, settings, onnx)
    others = [
        compile_program(model, name, settings, folder) if name == "vitc-onednn" else Contender(name, name, onnx, 0)
        for name in peers
    ]
    contenders = [vitc, *others]
    shape = flops.input_shape(onnx)
    pixels = folder / "pixels.npy"
    np.save(pixels, np.random.default_rng(0).standard_normal(shape, dtype=np.float32))

    say(f"{model}: check")
    measured = report.Measurements(
        model,
        settings.batch,
        settings.threads,
        flops=flops.of_onnx(onnx),
        computed_flops=flops.of_kernels(dump_kernels(model, settings, folder / "kernels.mlir")),
        read_gb_per_s=measure_peak(settings, "read", READ_SECONDS)["gb_per_s"],
        contenders=check_results(contenders, Contender("reference", "onnxruntime", onnx, 0), pixels, settings, folder),
        first_results={contender.name: [] for contender in contenders},
    )
    for number in range(rounds):
        say(f"{model}: round {number + 1} of {rounds}")
        for contender in contenders:
            _, usage = first_result(contender, pixels, settings, folder)
            measured.first_results[contender.name].append(usage["wall_ms"])
        for other in others:
            peak = measure_peak(settings, "fma", FMA_SECONDS)
            measured.isa = peak["isa"]
            # Who goes first alternates, so that a machine that slows down favours nobody.
            order = [vitc, other] if number % 2 == 0 else [other, vitc]
            results = {contender.name: time_runs(contender, pixels, settings, folder) for contender in order}
            measured.pairs.append(report.Pair(other.name, peak["gflops"], results["vitc"], results[other.name]))
    say("")
    return measured


def describe_machine() -> dict:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "load": os.getloadavg(),
    }


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    vitc = options.build_dir / "bin" / "vitc"
    tools = options.build_dir / "benchmarks"
    settings = Settings(vitc, tools, options.threads, options.batch, options.min_time)
    machine = describe_machine()
    results = []
    try:
        if not vitc.is_file():
            raise BenchmarkError(f"{options.build_dir} has no bin/vitc; a built vitc is needed")
        peers = choose_peers(options.peers, options.build_dir)
        build_tools(tools)
        for model in options.models:
            with tempfile.TemporaryDirectory(prefix="vitc-compare-") as folder:
                measured = compare(model, peers, options.rounds, settings, Path(folder))
            rows = [report.summarize(measured, contender) for contender in measured.contenders]
            if not results:
                print(f"{machine['cpu']}, {machine['cpus']} CPUs, load {machine['load'][0]:.1f}")
            results.append({**dataclasses.asdict(measured), "rows": rows})
            print(f"\n{report.format_table(measured, rows)}", flush=True)
        if options.json:
            options.json.write_text(json.dumps({"machine": machine, "models": results}, indent=2) + "\n")
    except (BenchmarkError, ValueError, OSError) as error:
        say("")
        print(f"compare.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
