# ===- timm_sweep.py - Compare timm's families with ONNX Runtime -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles what benchmarks/timm_models.py wrote, compares it with ONNX Runtime and writes a table of architectures.

The largest error over the largest reference is below --tolerance in every file that agrees. What was found of a file is
kept beside it in MODEL.EXPORTER.json; --remove deletes ONNX files that agree, and --again looks at all others again:

    python benchmarks/timm_sweep.py build/benchmarks/timm --table docs/architectures.md
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from architectures import write_table
from timm_families import EXPORTERS, MODELS

from accuracy import compare


def run_onnxruntime(model: Path, pixels: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: pixels})


def find_expected(model: Path, reference: Path) -> tuple[np.ndarray, list[np.ndarray], str]:
    """The input, the outputs and who computed them: PyTorch where ONNX Runtime does not load the file."""
    with np.load(reference) as data:
        pixels = data["x0"]
        outputs = [data[key] for key in sorted(data) if key.startswith("y")]
    try:
        return pixels, run_onnxruntime(model, pixels), "ONNX Runtime"
    except Exception:  # ONNX Runtime has no type of its own for a file that it refuses
        return pixels, outputs, "PyTorch"


def first_error(text: str) -> str:
    lines = [line for line in text.splitlines() if "error: " in line] or text.splitlines() or ["no message"]
    return lines[0].partition("error: ")[2] or lines[0]


def check(vitc: str, model: Path, reference: Path, limit: float) -> dict:
    """What there is to say of one file: its error and times, or the reason that there are none."""
    pixels, expected, referee = find_expected(model, reference)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.save(folder / "input.npy", pixels)
        program = folder / "program"
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        try:
            command = [vitc, "compile", str(model), "-o", str(program), "-march=native"]
            compiled = subprocess.run(command, capture_output=True, text=True, timeout=limit)
            seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start
            found = {"compile_s": round(seconds, 1), "referee": referee}
            if compiled.returncode:
                return found | {"reason": first_error(compiled.stderr)}
            command = [str(program), "--input", str(folder / "input.npy"), "--output-dir", str(folder / "outputs")]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired as error:
            return {"reason": f"{Path(error.cmd[0]).name} takes more than {limit:g} s"}
        if ran.returncode:
            return found | {"reason": f"exit code {ran.returncode}: {first_error(ran.stderr)}"}
        outputs = [np.load(path) for path in sorted((folder / "outputs").glob("*.npy"))]
    return found | {"error": compare(outputs, expected)}


def read_result(folder: Path, name: str, exporter: str) -> dict | None:
    """What an earlier run found; None where no file was exported yet."""
    stem = folder / f"{name}.{exporter}"
    failure = Path(f"{stem}.txt")
    if failure.exists():
        return {"exporter_failed": failure.read_text().strip()}
    result = Path(f"{stem}.json")
    return json.loads(result.read_text()) if result.exists() else None


def sweep(arguments: argparse.Namespace) -> bool:
    """Compares each file that is new; whether all agree."""
    agree = True
    for model in MODELS:
        for exporter in EXPORTERS:
            path = arguments.folder / f"{model.name}.{exporter}.onnx"
            result = read_result(arguments.folder, model.name, exporter)
            done = result is not None and (not arguments.again or result.get("error", 1) < arguments.tolerance)
            if path.exists() and not done and (not arguments.models or model.name in arguments.models):
                result = check(arguments.vitc, path, arguments.folder / f"{model.name}.npz", arguments.limit)
                path.with_suffix(".json").write_text(json.dumps(result) + "\n")
                outcome = result.get("reason") or f"error {result['error']:.1e}"
                print(f"{model.name} {exporter}: {outcome}, {result.get('compile_s', 0)} s", flush=True)
                if arguments.remove and result.get("error", 1) < arguments.tolerance:
                    path.unlink()
            if result is not None and "exporter_failed" not in result:
                agree &= result.get("error", 1) < arguments.tolerance
    return agree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", help="default: all")
    parser.add_argument("--vitc", default="build/bin/vitc")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--limit", type=float, default=300, help="seconds of a compilation or a run")
    parser.add_argument("--again", action="store_true", help="look again at files that did not agree")
    parser.add_argument("--remove", action="store_true", help="delete ONNX files that agree")
    parser.add_argument("--table", type=Path, help="the page to write")
    arguments = parser.parse_args()
    agree = sweep(arguments)
    if arguments.table:
        results = {
            (model.name, exporter): read_result(arguments.folder, model.name, exporter)
            for model in MODELS
            for exporter in EXPORTERS
        }
        arguments.table.write_text(write_table(results, arguments.tolerance))
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
