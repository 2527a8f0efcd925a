# ===- machine.py - What the machine is and can do -------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Describes the machine, and runs peak.cpp and measure.cpp on it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Seconds of one measurement by peak.cpp.
FMA_SECONDS = 0.3
READ_SECONDS = 1.0


class BenchmarkError(Exception):
    """A step that did not work; the message is one line for the user."""


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


def find_vitc(build: Path) -> Path:
    """The compiler in a build folder.

    Raises:
        BenchmarkError: there is none.
    """
    vitc = build / "bin" / "vitc"
    if not vitc.is_file():
        raise BenchmarkError(f"{build} has no bin/vitc; a built vitc is needed")
    return vitc


def build_tools(folder: Path) -> None:
    """Compiles peak.cpp and measure.cpp into `folder`, where they are missing or older."""
    candidates = [os.environ.get("CXX"), "clang++", "clang++-22", "g++"]
    compiler = next(filter(None, (shutil.which(name) for name in candidates if name)), None)
    if not compiler:
        raise BenchmarkError("no C++ compiler was found; $CXX, clang++ or g++ is needed")
    folder.mkdir(parents=True, exist_ok=True)
    newest = max(path.stat().st_mtime for pattern in ("*.cpp", "*.h") for path in HERE.glob(pattern))
    for name in ("peak", "measure"):
        program = folder / name
        if not program.exists() or program.stat().st_mtime < newest:
            run([compiler, "-O3", "-std=c++17", "-pthread", HERE / f"{name}.cpp", "-o", program])


def measure_fma(tools: Path, threads: int) -> dict:
    """{"isa", "gflops"}: what the machine multiplies and adds at most, now."""
    return json.loads(run([tools / "peak", "fma", str(threads), str(FMA_SECONDS)]))


def measure_read(tools: Path, threads: int) -> float:
    """GB/s that the machine reads from memory."""
    return json.loads(run([tools / "peak", "read", str(threads), str(READ_SECONDS)]))["gb_per_s"]


def run_measured(command: Sequence[str | Path], tools: Path, folder: Path) -> tuple[str, dict]:
    """The stdout of a command, and {"wall_ms", "max_rss_bytes"} of its whole process."""
    report = folder / "measure.json"
    stdout = run([tools / "measure", report, *command])
    return stdout, json.loads(report.read_text())


def describe(vitc: Path) -> dict:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "load": os.getloadavg(),
        "vitc": run([vitc, "--version"]).strip(),
    }
