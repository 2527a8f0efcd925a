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
import importlib.util
import json
import sys
import time
from pathlib import Path

import numpy as np

from machine import BenchmarkError, run, run_measured
from peers import WARMUP_RUNS

HERE = Path(__file__).resolve().parent
REPO = HERE.parent
PEERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "vitc-onednn": "vitc --backend=onednn"}
# The files of a peer's package that running an ONNX model on a CPU takes; what binds them to Python, where that is a
# file of its own, and what reads other formats are left out.
LIBRARIES = {
    "onnxruntime": ["onnxruntime_pybind11_state*.so"],
    "openvino": ["libopenvino.so*", "libopenvino_intel_cpu_plugin.so", "libopenvino_onnx_frontend.so*", "libtbb.so*"],
}


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


def is_installed(peer: str) -> bool:
    try:
        importlib.metadata.version(peer)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def library_bytes(peer: str) -> int:
    """Size of what a peer needs on a machine beside the model.

    Raises:
        BenchmarkError: its package has no such file.
    """
    folders = importlib.util.find_spec(peer).submodule_search_locations
    total = 0
    for pattern in LIBRARIES[peer]:
        found = {path.resolve() for folder in folders for path in Path(folder).rglob(pattern)}
        if not found:
            raise BenchmarkError(f"the package {peer} has no file {pattern}; its size is needed")
        total += sum(path.stat().st_size for path in found)
    return total


def describe(contender: Contender) -> dict:
    """{"name", "version", "file_bytes", "library_bytes", "prepare_seconds"}."""
    if contender.kind == "vitc":
        info = json.loads(run([contender.artefact, "--info", "--json"]))
        version = info["compiler"]
        # oneDNN is the one library beside libc and libm.
        libraries = Path(info["onednn_library"]).resolve().stat().st_size if info["onednn_library"] else 0
    else:
        version = importlib.metadata.version(contender.kind)
        libraries = library_bytes(contender.kind)
    return {
        "name": contender.name,
        "version": version,
        "file_bytes": contender.artefact.stat().st_size,
        "library_bytes": libraries,
        "prepare_seconds": contender.prepare_seconds,
    }


def compile_program(model: str, name: str, settings: Settings, folder: Path) -> Contender:
    """The native program of a model; `name` is "vitc" or "vitc-onednn"."""
    program = folder / name
    backend = "onednn" if name == "vitc-onednn" else "llvm"
    start = time.monotonic()
    options = ["-march=native", f"--batch={settings.batch}", f"--backend={backend}"]
    run([settings.vitc, model, "-o", program, *options])
    return Contender(name, "vitc", program, time.monotonic() - start)


def computed_share(model: str, settings: Settings) -> float:
    """The part of a model's operations that vitc's program computes."""
    batch = f"--batch={settings.batch}"
    asked = json.loads(run([settings.vitc, "inspect", model, batch, "--json"]))["total"]["flops"]
    computed = json.loads(run([settings.vitc, "explain", model, batch, "--json"]))["total"]["flops"]
    return computed / asked


def pass_inputs(inputs: dict[str, Path]) -> list[str]:
    return [argument for name, path in inputs.items() for argument in ("--input", f"{name}={path}")]


def first_result(
    contender: Contender, inputs: dict[str, Path], settings: Settings, folder: Path
) -> tuple[list[np.ndarray], dict]:
    """The outputs of one run, in the model's order, and what the whole process took from its start to its end."""
    results = folder / "results"
    results.mkdir(exist_ok=True)
    for path in results.iterdir():
        path.unlink()
    command = [*contender.command(), "--threads", str(settings.threads), *pass_inputs(inputs), "--output-dir", results]
    _, usage = run_measured(command, settings.tools, folder)
    if contender.kind == "vitc":
        outputs = json.loads(run([contender.artefact, "--info", "--json"]))["outputs"]
        names = [output["name"].replace("/", "_") for output in outputs]
    else:
        names = [str(number) for number in range(len(list(results.iterdir())))]
    return [np.load(results / f"{name}.npy") for name in names], usage


def without_model(contender: Contender, inputs: dict[str, Path], settings: Settings, folder: Path) -> dict:
    """What a process takes that starts and ends as a run does, but loads no model: Python and its imports."""
    if contender.kind == "vitc":
        return {"wall_ms": 0.0, "max_rss_bytes": 0}
    command = [*contender.command(), "--threads", str(settings.threads), *pass_inputs(inputs), "--import-only"]
    return run_measured(command, settings.tools, folder)[1]


def time_runs(contender: Contender, inputs: dict[str, Path], settings: Settings, folder: Path) -> dict:
    """Times of runs in one process, as vitc's `--benchmark --json` gives them, with its "max_rss_bytes"."""
    command = [*contender.command(), "--threads", str(settings.threads), "--min-time", str(settings.min_time)]
    if contender.kind == "vitc":
        command += ["--benchmark", "--warmup", str(WARMUP_RUNS), "--json", "-"]
    else:
        command += pass_inputs(inputs)
    stdout, usage = run_measured(command, settings.tools, folder)
    result = json.loads(stdout)
    # A benchmark that lowered the precision, or used other threads, would compare different things.
    for key, wanted in (("precision", "f32"), ("threads", settings.threads), ("batch", settings.batch)):
        if result.get(key) != wanted:
            raise BenchmarkError(f"{contender.name} ran with {key} {result.get(key, 'unknown')}; {wanted} is needed")
    return {**result, "max_rss_bytes": usage["max_rss_bytes"]}
