# ===- run.py - What a carried build does on a machine with a GPU ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compares kernels with the emulator and models with references on the first GPU, then measures speed.

    python3 run.py

in the folder that prepare.py wrote. Needs NVIDIA's driver and numpy; with PyTorch it is measured, too. Writes NAME.json
and NAME.md, NAME being results/DAY-GPU there.

Exit codes: 0 all results agree, 1 one does not or a step did not work, such as a program that was to be timed; 2 bad
command line.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import math
import re
import sys
import tempfile
import time
from pathlib import Path

import speed
from agreement import Verdict, compare_kernels, compare_models
from carried import PARTS, GpuBenchmarkError, Manifest, TimedModel, part_names, read_manifest
from devices import find_device
from report import format_page

HERE = Path(__file__).resolve().parent


def positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10**6:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs a positive integer")
    return int(text)


def positives(text: str) -> list[int]:
    return [positive(item) for item in text.split(",")]


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--carried", type=Path, default=HERE, metavar="DIR", help="what prepare.py wrote (default: here)"
    )
    parser.add_argument(
        "--parts", type=part_names, metavar="A,B", help=f"of {','.join(PARTS)} (default: those that were prepared)"
    )
    parser.add_argument("--batches", type=positives, default=[1, 8, 64, 256], metavar="N,M", help="default 1,8,64,256")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="of vitc and PyTorch (default 5)")
    parser.add_argument("--min-time", type=float, default=0.5, metavar="S", help="of one measurement (default 0.5)")
    parser.add_argument("--speed-models", type=lambda text: text.split(","), metavar="A,B", help="default: all")
    parser.add_argument(
        "--max-seconds", type=positive, default=3600, metavar="S", help="starts no measurement later (default 3600)"
    )
    parser.add_argument("--output", type=Path, metavar="NAME", help="of the files, in place of the day and the GPU")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(text, flush=True)


def describe(verdicts: list[Verdict]) -> list[dict]:
    """As JSON has it, which knows no NaN."""
    rows = [dataclasses.asdict(verdict) for verdict in verdicts]
    return [row | {"error": row["error"] if math.isfinite(row["error"]) else None} for row in rows]


def choose_parts(manifest: Manifest, options: argparse.Namespace) -> list[str]:
    """Those that are asked for, or all that the folder has.

    Raises:
        GpuBenchmarkError: nothing would be compared or timed for one of them.
    """
    parts = options.parts or [part for part in PARTS if getattr(manifest, part)]
    empty = [part for part in parts or PARTS if not getattr(manifest, part)]
    if empty:
        raise GpuBenchmarkError(
            f"{options.carried} has no {' and no '.join(empty)}; prepare.py --parts {','.join(empty)} makes them"
        )
    return parts


def choose_models(manifest: Manifest, options: argparse.Namespace) -> list[TimedModel]:
    """Raises GpuBenchmarkError: a name is none of theirs."""
    names = [model.name for model in manifest.speed]
    for name in options.speed_models or []:
        if name not in names:
            raise GpuBenchmarkError(f"--speed-models has '{name}'; {options.carried} has {', '.join(names) or 'none'}")
    return [model for model in manifest.speed if not options.speed_models or model.name in options.speed_models]


def run_parts(options: argparse.Namespace) -> dict:
    begin = time.monotonic()
    manifest = read_manifest(options.carried)
    parts = choose_parts(manifest, options)
    timed = choose_models(manifest, options) if "speed" in parts else []
    device = find_device()
    architectures = [name for name in manifest.architectures if device.runs(name)]
    if not architectures:
        raise GpuBenchmarkError(
            f"the GPU '{device.name}' has compute capability {'.'.join(map(str, device.capability))}; the programs "
            f"were compiled for {', '.join(manifest.architectures)}: prepare.py --architectures takes others"
        )
    say(f"{device.name}, driver {device.driver}; code for {', '.join(architectures)}")
    results: dict = {
        "date": datetime.date.today().isoformat(),
        "prepared": manifest.date,
        "commit": manifest.commit,
        "vitc": manifest.vitc,
        "device": dataclasses.asdict(device),
        **dict.fromkeys(PARTS),
    }
    with tempfile.TemporaryDirectory(prefix="vitc-gpu-run-") as name:
        work = Path(name)
        if "kernels" in parts:
            verdicts = compare_kernels(options.carried, manifest.kernels, architectures, work, say)
            results["kernels"] = describe(verdicts)
        if "models" in parts:
            verdicts = compare_models(options.carried, manifest.models, architectures, work, say)
            results["models"] = describe(verdicts)
        if "speed" in parts:
            settings = speed.Settings(options.batches, options.rounds, options.min_time, begin + options.max_seconds)
            results["speed"] = speed.measure(options.carried, timed, settings, work, say)
    return results


def write_results(results: dict, options: argparse.Namespace) -> None:
    gpu = re.sub(r"[^a-z0-9]+", "-", results["device"]["name"].lower()).strip("-")
    output = options.output or options.carried / "results" / f"{results['date']}-{gpu}"
    output.parent.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".json", json.dumps(results, indent=1) + "\n"), (".md", format_page(results))):
        path = output.with_name(output.name + suffix)
        path.write_text(text)
        say(f"wrote {path}")


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        results = run_parts(options)
        write_results(results, options)
    except (GpuBenchmarkError, OSError) as error:
        print(f"run.py: error: {error}", file=sys.stderr)
        return 1
    compared = [each for key in ("kernels", "models") for each in results[key] or []]
    differing = [each for each in compared if each["reason"]]
    if compared:
        say(f"{len(compared) - len(differing)} of {len(compared)} results agree")
    timed = results["speed"] or {"failures": [], "left_out": []}
    for failure in timed["failures"]:
        print(f"run.py: error: {failure}", file=sys.stderr)
    for reason in timed["left_out"]:
        print(f"run.py: not measured: {reason}", file=sys.stderr)
    return 1 if differing or timed["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
