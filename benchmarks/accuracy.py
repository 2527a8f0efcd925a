# ===- accuracy.py - Compare models with stored references ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs each NAME.onnx of a folder on the inputs x0, x1, ... of NAME.npz and compares with its outputs y0, y1, ...

Prints the largest error over the largest reference of each model; exit code 1 when one is above --tolerance.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def run(vitc: str, model: Path, inputs: dict[str, np.ndarray], options: Sequence[str] = ()) -> list[np.ndarray]:
    """The outputs of `vitc run`, in the order of their names."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        arguments = []
        for name, value in inputs.items():
            np.save(folder / f"{name}.npy", value)
            arguments += ["--input", f"{name}={folder / name}.npy"]
        command = [vitc, "run", str(model), *options, *arguments, "--output-dir", str(folder / "outputs")]
        subprocess.run(command, check=True)
        return [np.load(path) for path in sorted((folder / "outputs").glob("*.npy"))]


def compare(actual: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """The largest error over the largest reference, infinite where there is none; outputs are found by their shape."""
    error = 0.0
    for reference in expected:
        match = next((value for value in actual if value.shape == reference.shape), None)
        # A maximum would pass over NaN.
        if match is None or not np.isfinite(match).all():
            return float("inf")
        error = max(error, float(np.abs(match - reference).max() / np.abs(reference).max()))
    return error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="default: every model of the folder")
    parser.add_argument("--vitc", default="build/bin/vitc")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    names = arguments.names or sorted(path.stem for path in arguments.folder.glob("*.onnx"))
    if not names:
        parser.error(f"'{arguments.folder}' has no .onnx files; one or more are needed")
    worst = 0.0
    for name in names:
        with np.load(arguments.folder / f"{name}.npz") as data:
            inputs = {key: data[key] for key in data if key.startswith("x")}
            expected = [data[key] for key in sorted(data) if key.startswith("y")]
        start = time.monotonic()
        error = compare(run(arguments.vitc, arguments.folder / f"{name}.onnx", inputs), expected)
        worst = max(worst, error)
        largest = max(float(np.abs(value).max()) for value in expected)
        print(f"{name:32} error {error:.1e} of {largest:.3g}, compiled and run in {time.monotonic() - start:.1f} s")
    return int(worst > arguments.tolerance)


if __name__ == "__main__":
    sys.exit(main())
