# ===- contenders.py - The programs that are compared ---------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Builds what is compared and runs it: programs of vitc, and peers on the ONNX file of the same model."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REPO = HERE.parent
PEERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "vitc-onednn": "vitc --backend=onednn"}


class BenchmarkError(Exception):
    """A step that did not work; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What holds for a whole comparison."""

    vitc: Path
    tools: Path  # folder of the programs built from peak.cpp and measure.cpp
    threads: int
    batch: int
    min_time: float  # seconds of one measurement


@dataclasses.dataclass(frozen=True)
class Contender:
    """A program that computes the model; `kind` is "vitc" or a key of peers.LOADERS."""

    name: str
    kind: str
    artefact: Path
    prepare_seconds: float

    def command(self) -> list[str]:
        if self.kind == "vitc":
            return [str(self.artefact)]
        return [sys.executable, str(HERE / "peers.py"), self.kind, str(self.artefact)]


def run(command: Sequence[str | Path], **options) -> str:
    """Runs a command to its end and returns its stdout.

    Raises:
        BenchmarkError: it ended with another status than 0; the message has the last line it wrote.
    """
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    except OSError as error:
        raise BenchmarkError(f"{command[0]}: {error.strerror}") from None
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise BenchmarkError(f"{command[0]} ended with {result.returncode}: {lines[-1] if lines else 'no message'}")
    return result.stdout


def build_tools(folder: Path) -> None:
    """Compiles peak.cpp and measure.cpp into `folder`, where they are missing or older."""
    candidates = [os.environ.get("CXX"), "clang++", "clang++-22", "g++"]
    compiler = next(filter(None, (shutil.which(name) for name in candidates if name)), None)
    if not compiler:
        raise BenchmarkError("no C++ compiler was found; $CXX, clang++ or g++ is needed")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("peak", "measure"):
        source, program = HERE / f"{name}.cpp", folder / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            run([compiler, "-O3", "-std=c++17", "-pthread", source, "-o", program])


def measure_peak(settings: Settings, kind: str, seconds: float) -> dict:
    """What the machine does at most, by peak.cpp; `kind` is "fma" or "read"."""
    return json.loads(run([settings.tools / "peak", kind, str(settings.threads), str(seconds)]))


def is_installed(peer: str) -> bool:
    try:
        importlib.metadata.version(peer)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def version(contender: Contender) -> str:
    if contender.kind == "vitc":
        return json.loads(run([contender.artefact, "--info", "--json"]))["compiler"]
    return importlib.metadata.version(contender.kind)


def compile_program(model: str, name: str, settings: Settings, folder: Path) -> Contender:
    """The native program of a zoo model; `name` is "vitc" or "vitc-onednn"."""
    program = folder / name
    backend = "onednn" if name == "vitc-onednn" else "llvm"
    start = time.monotonic()
    options = ["-march=native", f"--batch={settings.batch}", f"--backend={backend}"]
    run([settings.vitc, model, "-o", program, *options])
    return Contender(name, "vitc", program, time.monotonic() - start)


def export_onnx(model: str, settings: Settings, path: Path) -> None:
    paths = [str(REPO / "python"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "vitc.zoo", model, "--onnx", path, "--batch", str(settings.batch)]
    run(command, env=environment)


def dump_kernels(model: str, settings: Settings, path: Path) -> str:
    """The module of a zoo model in the phase `kernel`."""
    run([settings.vitc, model, "-o", path, "--emit=mlir", "--compile-to=kernel", f"--batch={settings.batch}"])
    return path.read_text()


def run_measured(command: Sequence[str | Path], settings: Settings, folder: Path) -> tuple[str, dict]:
    """The stdout of a command, and {"wall_ms", "max_rss_bytes"} of its whole process."""
    report = folder / "measure.json"
    stdout = run([settings.tools / "measure", report, *command])
    return stdout, json.loads(report.read_text())


def first_result(contender: Contender, pixels: Path, settings: Settings, folder: Path) -> tuple[np.ndarray, dict]:
    """The logits of one run, and what the whole process took from its start to its end."""
    command = [*contender.command(), "--threads", str(settings.threads), "--input", pixels]
    result = folder / "logits.npy"
    result.unlink(missing_ok=True)
    command += ["--output-dir", folder] if contender.kind == "vitc" else ["--output", result]
    _, usage = run_measured(command, settings, folder)
    return np.load(result), usage


def time_runs(contender: Contender, pixels: Path, settings: Settings, folder: Path) -> dict:
    """Times of runs in one process, as vitc's `--benchmark --json` gives them, with its "max_rss_bytes"."""
    command = [*contender.command(), "--threads", str(settings.threads), "--min-time", str(settings.min_time)]
    command += ["--benchmark", "--json", "-"] if contender.kind == "vitc" else ["--input", pixels]
    stdout, usage = run_measured(command, settings, folder)
    result = json.loads(stdout)
    # A benchmark that lowered the precision, or used other threads, would compare different things.
    for key, wanted in (("precision", "f32"), ("threads", settings.threads), ("batch", settings.batch)):
        if result.get(key) != wanted:
            raise BenchmarkError(f"{contender.name} ran with {key} {result.get(key, 'unknown')}; {wanted} is needed")
    return {**result, "max_rss_bytes": usage["max_rss_bytes"]}
