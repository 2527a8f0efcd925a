# ===- prepare.py - Makes the folder for a machine with a GPU --------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compiles programs for GPUs, runs single kernels on the emulator, and collects all that run.py needs elsewhere.

    python benchmarks/gpu/prepare.py FOLDER

Needs a build with VITC_BUILD_TESTS, which has the emulator, and numpy and onnx. FOLDER must not exist.

Exit codes: 0 done, 1 a step did not work, 2 bad command line.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from carried import (
    GEMM,
    PARTS,
    GpuBenchmarkError,
    Manifest,
    Subject,
    TimedModel,
    cut_weights,
    name_product,
    part_names,
    run_command,
    run_program,
    write_manifest,
)
from cases import CASES, SMALL_CASES, TF32_CASES
from references import SMALL_MODELS, Reference, find_references

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
# What runs on the machine with the GPU.
MODULES = (
    "run.py",
    "carried.py",
    "agreement.py",
    "devices.py",
    "speed.py",
    "torch_peer.py",
    "torch_models.py",
    "report.py",
)
# Rounding in another order, and approximations of exp and division, of which the emulator's are exact.
KERNEL_TOLERANCES = {"f32": 2e-5, "tf32": 1e-3, "bf16": 1e-2}
MODEL_TOLERANCES = {"f32": 1e-4, "bf16": 2e-2}
SPEED_MODELS = {"vit-b": "zoo:vit-b", "vit-l": "zoo:vit-l", "swin-t": "zoo:swin-t"}
# One that the emulator times in a second, which says nothing.
SMALL_SPEED_MODELS = {"vit-small": "zoo:vit?dim=32,depth=1,heads=2,patch=8,image=16,classes=3"}
COMPILE_SECONDS = 600.0


class Preparation:
    """A folder on its way."""

    def __init__(self, folder: Path, build: Path, architectures: list[str], phases: Path) -> None:
        self.folder = folder
        self.vitc = build / "bin" / "vitc"
        self.emulator = build / "emulator"
        self.architectures = architectures
        self.phases = phases
        for needed in (self.vitc, self.emulator / "libcuda.so.1"):
            if not needed.is_file():
                raise GpuBenchmarkError(f"{needed} is missing; a build with VITC_BUILD_TESTS is needed")

    def compile(self, model: str | Path, program: Path, *options: str) -> Path:
        """Returns the folder of the compile's phases."""
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="vitc-gpu-phases-") as name:
            target = f"--target={','.join(self.architectures)}"
            dumps = Path(name) / "phases"
            run_command(
                [self.vitc, "compile", model, "-o", program, target, "--dump-phases-to", dumps, *options],
                COMPILE_SECONDS,
            )
            kept = self.phases / program.parent.name
            kept.mkdir(parents=True, exist_ok=True)
            # What a debugger reads is a third of a small program.
            if strip := shutil.which("strip"):
                run_command([strip, "--strip-unneeded", program], 60)
            for file in dumps.glob("4-llvm.sm_*.ll"):
                if "host" not in file.name:
                    shutil.copy(file, kept)
        return kept

    def emulate(self, program: Path, phases: Path, inputs: dict[str, np.ndarray], architecture: str) -> dict:
        """What a GPU with the architecture's own capability gives, on the emulator."""
        digits = architecture.removeprefix("sm_").rstrip("af")
        variables = {
            "LD_LIBRARY_PATH": str(self.emulator),
            "VITC_EMULATOR_IR": str(phases),
            "VITC_EMULATOR_DEVICE": f"{digits[:-1]}.{digits[-1]}",
        }
        with tempfile.TemporaryDirectory(prefix="vitc-gpu-emulated-") as name:
            return run_program(program, inputs, Path(name) / "run", "--isa", architecture, variables=variables)

    def add_kernel(self, case: str, precision: str) -> Subject:
        name = f"{case}.{precision}"
        program = self.folder / "kernels" / name / "program"
        with tempfile.TemporaryDirectory(prefix="vitc-gpu-case-") as folder:
            onnx.save(CASES[case].build(), Path(folder) / "model.onnx")
            phases = self.compile(Path(folder) / "model.onnx", program, f"--precision={precision}")
            tiles = {each: self.list_tiles(Path(folder) / "model.onnx", precision, each) for each in self.architectures}
        inputs = {"x": CASES[case].make_input()}
        np.savez_compressed(program.parent / "inputs.npz", **inputs)
        for architecture in self.architectures:
            outputs = self.emulate(program, phases, inputs, architecture)
            np.savez_compressed(program.parent / f"{architecture}.npz", **outputs)
        return Subject(name, precision, KERNEL_TOLERANCES[precision], [], "", tiles)

    def add_model(self, reference: Reference, precision: str) -> Subject:
        name = f"{reference.name}.{precision}"
        program = self.folder / "models" / name / "program"
        self.compile(reference.model, program, f"--precision={precision}", *reference.compile_options)
        np.savez_compressed(program.parent / "inputs.npz", **reference.inputs)
        np.savez_compressed(program.parent / "expected.npz", **reference.outputs)
        return Subject(name, precision, MODEL_TOLERANCES[precision], reference.run_options, reference.classes, {})

    def add_speed(self, name: str, model: str, precision: str) -> TimedModel:
        whole = self.folder / "speed" / name / "whole"
        self.compile(model, whole, f"--precision={precision}", "--attention-outputs=none")
        offset, size = cut_weights(whole, whole.with_name("program"))
        whole.unlink()
        return TimedModel(name, precision, offset, size, self.count_rows(model, precision))

    def explain(self, model: str | Path, precision: str, architecture: str) -> list[dict]:
        """The kernels, as vitc reports them."""
        options = [f"--target={architecture}", f"--precision={precision}", "--attention-outputs=none", "--json"]
        return json.loads(run_command([self.vitc, "explain", model, *options], COMPILE_SECONDS))["kernels"]

    def list_tiles(self, model: Path, precision: str, architecture: str) -> list[str]:
        """Of its products."""
        kernels = self.explain(model, precision, architecture)
        return [kernel["tile"] for kernel in kernels if GEMM.match(kernel["kernel"])]

    def count_rows(self, model: str, precision: str) -> dict[str, int]:
        """Of the products for one picture, from the bytes of their results."""
        rows = {}
        for architecture in self.architectures:
            for kernel in self.explain(model, precision, architecture):
                if match := GEMM.match(kernel["kernel"]):
                    outputs, inputs = map(int, match.groups())
                    element = 2 if any(f"_to_{each}" in kernel["kernel"] for each in ("bf16", "f16")) else 4
                    written = kernel["written_bytes"] // kernel["launches"]
                    rows[name_product(kernel["layer"], outputs, inputs)] = written // (element * outputs)
        return rows


def describe_commit() -> str:
    try:
        return run_command(["git", "-C", REPO, "describe", "--always", "--dirty", "--abbrev=12"], 60).strip()
    except GpuBenchmarkError:
        return "unknown"


def prepare(preparation: Preparation, parts: Sequence[str], is_small: bool) -> Manifest:
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    kernels, whole, timed = [], [], []
    for case in (SMALL_CASES if is_small else CASES) if "kernels" in parts else ():
        for precision in KERNEL_TOLERANCES:
            if precision == "tf32" and case not in TF32_CASES:
                continue
            kernels.append(preparation.add_kernel(case, precision))
            tiles = [f"{each}: {'; '.join(of)}" for each, of in kernels[-1].tiles.items() if of]
            say(f"kernel {kernels[-1].name} {', '.join(tiles)}")
    for reference in find_references(REPO, SMALL_MODELS if is_small else ()) if "models" in parts else ():
        for precision in MODEL_TOLERANCES:
            say(f"model {reference.name} {precision}")
            whole.append(preparation.add_model(reference, precision))
    for name, model in (SMALL_SPEED_MODELS if is_small else SPEED_MODELS).items() if "speed" in parts else ():
        say(f"speed {name}")
        timed.append(preparation.add_speed(name, model, "bf16"))
    return Manifest(
        date=datetime.date.today().isoformat(),
        commit=describe_commit(),
        vitc=run_command([preparation.vitc, "--version"], 60).splitlines()[0],
        architectures=preparation.architectures,
        kernels=kernels,
        models=whole,
        speed=timed,
    )


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="is made")
    parser.add_argument("--architectures", default="sm_80,sm_90a", metavar="A,B", help="default sm_80,sm_90a")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="has bin/vitc")
    parser.add_argument("--small", action="store_true", help="a few kernels and models, for tests")
    parser.add_argument("--parts", type=part_names, default=list(PARTS), metavar="A,B", help=f"of {','.join(PARTS)}")
    parser.add_argument("--phases", type=Path, metavar="DIR", help="keeps the kernels' LLVM IR, for the emulator")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        if options.folder.exists():
            raise GpuBenchmarkError(f"{options.folder} exists; a new folder is needed")
        with tempfile.TemporaryDirectory(prefix="vitc-gpu-") as name:
            phases = options.phases or Path(name)
            preparation = Preparation(options.folder, options.build_dir, options.architectures.split(","), phases)
            options.folder.mkdir(parents=True)
            manifest = prepare(preparation, options.parts, options.small)
        for module in MODULES:
            shutil.copy(HERE / module, options.folder)
        write_manifest(options.folder, manifest)
    except GpuBenchmarkError as error:
        print(f"prepare.py: error: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in options.folder.rglob("*") if path.is_file())
    print(f"{options.folder}: {size / 1e6:.0f} MB; on a machine with a GPU: python3 {options.folder.name}/run.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
