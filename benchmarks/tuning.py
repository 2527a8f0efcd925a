# ===- tuning.py - What the cost model chooses beside what is fastest ------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times every product and attention of models with other tilings, and their layers with oneDNN.

    python benchmarks/tuning.py [MODEL...] --output NAME

Writes NAME.json and NAME.md. Needs build/bin/kernel-benchmarks, and for oneDNN a libdnnl that vitc finds. One thread.

Exit codes: 0 done, 1 a step did not work, 2 bad command line.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from run import MODELS

import limits
import machine
import model_file
from contenders import REPO
from machine import BenchmarkError
from options import positive, seconds
from summary import format_head, format_markdown

# A choice that is slower than this part of the best is named.
GOOD = 0.97
# A layer whose time is shorter is not told apart from noise.
LEAST_MICROSECONDS = 20


def tune(models: list[str], options: argparse.Namespace, vitc: Path, folder: Path) -> list[dict]:
    """A row for each shape, as kernel-benchmarks writes them: "kernel", "flops", "choice", "best_tile", "best"."""
    program = options.build_dir / "bin" / "kernel-benchmarks"
    if not program.is_file():
        raise BenchmarkError(f"{program} is missing; ninja -C {options.build_dir} kernel-benchmarks builds it")
    modules = []
    for number, model in enumerate(models):
        modules.append(folder / f"{number}.mlir")
        phase = ["--batch=1", "-march=native", "--compile-to=kernel", "--emit=mlir"]
        machine.run([vitc, "compile", model, *phase, "-o", modules[-1]])
    results = folder / "tuning.json"
    lock = [f"--lock={options.lock}"] if options.lock else []
    arguments = ["--tune", f"--seconds={options.min_time}", f"--json={results}", f"--filter={options.filter}", *lock]
    machine.run([program, *modules, *arguments])
    return json.loads(results.read_text())


def layer_times(program: Path, profile: Path) -> Counter:
    """Microseconds of each layer that is a product, with what prepares its rows; by the layer's name."""
    machine.run([program, "--profile", profile, "--threads", "1"])
    times, products = Counter(), set()
    for launch in limits.read_profile(profile.read_text()):
        times[launch["name"]] += launch["dur"]
        if "gemm" in launch["args"]["kernel"]:
            products.add(launch["name"])
    return Counter({name: times[name] for name in products})


def compare_providers(model: str, vitc: Path, rounds: int, folder: Path) -> list[dict]:
    """The layers of a model: {"model", "layer", "microseconds": {backend: the least of some runs}}."""
    least: dict[str, Counter] = {}
    for backend in ("llvm", "onednn", "auto"):
        machine.run([vitc, model, "-march=native", "--batch=1", f"--backend={backend}", "-o", folder / backend])
    for _ in range(rounds):
        for backend in ("llvm", "onednn", "auto"):
            times = layer_times(folder / backend, folder / "profile.json")
            least[backend] = Counter({name: min(times[name], least.get(backend, times)[name]) for name in times})
    return [
        {
            "model": model_file.model_name(model),
            "layer": layer,
            "microseconds": {backend: times[layer] for backend, times in least.items()},
        }
        for layer in sorted(least["llvm"])
        if all(layer in times for times in least.values()) and least["llvm"][layer] >= LEAST_MICROSECONDS
    ]


def tiling_table(rows: list[dict]) -> list[list[str]]:
    cells = [["kernels", "choice", "GFLOP/s", "of best tile", "of best", "best"]]
    for row in sorted(rows, key=part_of_best):
        choice, best = row["choice"], row["best"]
        cells.append(
            [
                row["kernel"],
                choice["tiling"],
                f"{row['flops'] / choice['seconds'] / 1e9:.1f}",
                f"{min(1.0, row['best_tile']['seconds'] / choice['seconds']):.3f}",
                f"{part_of_best(row):.3f}",
                best["tiling"],
            ]
        )
    return cells


def part_of_best(row: dict) -> float:
    return row["best"]["seconds"] / row["choice"]["seconds"]


def provider_table(layers: list[dict]) -> list[list[str]]:
    """By models: the time of all products with each backend, and how many layers oneDNN is better at."""
    cells = [["model", "layers", "llvm ms", "onednn ms", "auto ms", "faster with onednn"]]
    for model in dict.fromkeys(layer["model"] for layer in layers):
        times = [layer["microseconds"] for layer in layers if layer["model"] == model]
        sums = [f"{sum(each[backend] for each in times) / 1e3:.2f}" for backend in ("llvm", "onednn", "auto")]
        faster = sum(each["onednn"] < GOOD * each["llvm"] for each in times)
        cells.append([model, str(len(times)), *sums, str(faster)])
    return cells


def format_results(results: dict) -> str:
    rows, layers = results["tilings"], results["layers"]
    good = sum(part_of_best(row) >= GOOD for row in rows)
    parts = [
        f"# Choices of the cost model, {results['date']}",
        f"{format_head(results)}. One thread.",
        "## Tilings",
        f"{good} of {len(rows)} choices reach {GOOD} of the best of all; `of best tile`: of all other micro-tiles.",
        format_markdown(tiling_table(rows)),
    ]
    if layers:
        parts += ["## Providers", format_markdown(provider_table(layers))]
    return "\n\n".join(parts) + "\n"


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL", help="as run.py takes them")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="of the kernels to tune")
    parser.add_argument("--min-time", type=seconds, default=0.1, metavar="S", help="of each of the best tilings")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="profiles for each provider")
    parser.add_argument("--providers", action="store_true", help="compare the layers with oneDNN too")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="to hold locked while tilings are timed")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="has bin/vitc")
    parser.add_argument("--output", type=Path, required=True, metavar="NAME", help="of the files")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        vitc = machine.find_vitc(options.build_dir)
        models = model_file.find_models(options.models)
        results = {"date": datetime.date.today().isoformat(), "machine": machine.describe(vitc)}
        with tempfile.TemporaryDirectory(prefix="vitc-tuning-") as name:
            folder = Path(name)
            results["tilings"] = tune(models, options, vitc, folder)
            compared = models if options.providers else []
            results["layers"] = [
                layer for model in compared for layer in compare_providers(model, vitc, options.rounds, folder)
            ]
        options.output.parent.mkdir(parents=True, exist_ok=True)
        for suffix, text in (("json", json.dumps(results, indent=1) + "\n"), ("md", format_results(results))):
            path = options.output.parent / f"{options.output.name}.{suffix}"
            path.write_text(text)
            print(path)
    except (BenchmarkError, ValueError, OSError) as error:
        print(f"tuning.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
