# ===- carried.py - The folder that a machine with a GPU gets --------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What prepare.py writes and run.py reads, and how programs in it are run.

    manifest.json           the commit, the architectures, and the three lists below
    kernels/NAME/           program; inputs.npz; ARCHITECTURE.npz: what the emulator computes of it
    models/NAME/            program; inputs.npz; expected.npz: what PyTorch computes of it
    speed/NAME/program      without its weights, see restore_weights

A program is a file of its own: it needs NVIDIA's driver and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

MANIFEST = "manifest.json"
# The name of a product's kernel: columns of the result, and terms of a sum.
GEMM = re.compile(r"gemm_n(\d+)_k(\d+)")
PARTS = ("kernels", "models", "speed")
# Seconds that one run of a program may take.
RUN_SECONDS = 300.0
# Bytes of weights that are made at once.
CHUNK_BYTES = 64 << 20
WEIGHT_DEVIATION = 0.02


class GpuBenchmarkError(Exception):
    """A step that did not work; the message is one line for the user."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A program whose results are known."""

    name: str
    precision: str
    # The largest error of each output, as a part of its largest value.
    tolerance: float
    # Command line beside inputs and outputs.
    options: list[str]
    # An output whose greatest entry along the last axis must be the reference's; "" where there is none.
    classes: str
    # Of each architecture, the tiles of its products; none of models.
    tiles: dict[str, list[str]]


@dataclasses.dataclass(frozen=True)
class TimedModel:
    """A program that is timed, and where its weights lie in it."""

    name: str
    precision: str
    weights_offset: int
    weights_bytes: int
    # Of each layer with a product, as name_product names it, the rows that a picture has.
    rows: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Manifest:
    date: str
    commit: str
    vitc: str
    architectures: list[str]
    kernels: list[Subject]
    models: list[Subject]
    speed: list[TimedModel]


def name_product(layer: str, outputs: int, inputs: int) -> str:
    return f"{layer} {outputs}x{inputs}"


def part_names(text: str) -> list[str]:
    """Names of PARTS on a command line."""
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"'{name}'; it needs names of {', '.join(PARTS)}")
    return names


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST).write_text(json.dumps(dataclasses.asdict(manifest), indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Raises GpuBenchmarkError: the folder was not written by prepare.py."""
    try:
        values = json.loads((folder / MANIFEST).read_text())
        lists = {"kernels": Subject, "models": Subject, "speed": TimedModel}
        return Manifest(**values | {key: [kind(**each) for each in values[key]] for key, kind in lists.items()})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GpuBenchmarkError(f"{folder / MANIFEST}: {error}; a folder that prepare.py wrote is needed") from None


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Raises GpuBenchmarkError: the file is missing, or part of it."""
    try:
        with np.load(path) as data:
            return dict(data)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise GpuBenchmarkError(f"{path}: {error}; the whole file that prepare.py wrote is needed") from None


def run_command(
    command: Sequence[str | os.PathLike[str]],
    seconds: float = RUN_SECONDS,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Runs a program to its end and returns its stdout.

    Raises:
        GpuBenchmarkError: it could not be started, took longer or ended with another status than 0.
    """
    name = Path(command[0]).name
    try:
        result = subprocess.run(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=os.environ | (variables or {}),
        )
    except OSError as error:
        raise GpuBenchmarkError(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise GpuBenchmarkError(f"{name} took longer than {seconds:g} seconds") from None
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise GpuBenchmarkError(f"{name} ended with {result.returncode}: {lines[-1] if lines else 'no message'}")
    return result.stdout


def run_program(
    program: Path,
    inputs: Mapping[str, np.ndarray],
    folder: Path,
    *options: str,
    variables: Mapping[str, str] | None = None,
) -> dict[str, np.ndarray]:
    """The outputs of a program by their names; `folder` holds what it reads and writes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command: list[str | os.PathLike[str]] = [program, *options]
    for name, value in inputs.items():
        np.save(folder / f"{name}.npy", value)
        command += ["--input", f"{name}={folder / name}.npy"]
    run_command([*command, "--output-dir", folder / "outputs"], variables=variables)
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


# ===----------------------------------------------------------------------===#
# Weights of programs that are only timed
# ===----------------------------------------------------------------------===#


def find_weights(program: Path) -> tuple[int, int]:
    """Offset and size of the weights in a compiled program: of its section .lrodata.

    Raises:
        GpuBenchmarkError: it has none.
    """
    with program.open("rb") as file:
        header = file.read(64)
        if header[:5] != b"\x7fELF\x02":
            raise GpuBenchmarkError(f"{program} is no ELF file of 64 bits")
        sections_offset, entry_bytes, number, names = struct.unpack("<40xQ10xHHH", header)
        file.seek(sections_offset)
        table = [struct.unpack_from("<II8x8xQQ", file.read(entry_bytes)) for _ in range(number)]
        file.seek(table[names][2])
        texts = file.read(table[names][3])
    for name, _, offset, size in table:
        if texts[name : texts.index(b"\0", name)] == b".lrodata":
            return offset, size
    raise GpuBenchmarkError(f"{program} has no section .lrodata, where a program's weights are")


def cut_weights(program: Path, target: Path) -> tuple[int, int]:
    """Copies a program without its weights; returns their offset and size."""
    offset, size = find_weights(program)
    data = np.memmap(program, np.uint8, "r")
    with target.open("wb") as file:
        file.write(data[:offset])
        file.write(data[offset + size :])
    return offset, size


def restore_weights(source: Path, target: Path, offset: int, size: int) -> None:
    """Puts random weights where cut_weights took some out.

    The bits are normally distributed bf16 numbers, and so the f32 that two of them make up are, too: the program
    computes with ordinary numbers, and its results mean nothing.

    Raises:
        GpuBenchmarkError: `source` is missing, or ends before its weights.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise GpuBenchmarkError(f"{source}: {error.strerror}; prepare.py writes it") from None
    if len(data) <= offset:
        raise GpuBenchmarkError(
            f"{source} has {len(data)} bytes, weights begin at {offset}; the whole file that prepare.py wrote is needed"
        )
    random = np.random.default_rng(0)
    with target.open("wb") as file:
        file.write(data[:offset])
        for begin in range(0, size, CHUNK_BYTES):
            count = min(CHUNK_BYTES, size - begin)
            values = random.standard_normal((count + 1) // 2, np.float32) * np.float32(WEIGHT_DEVIATION)
            file.write((values.view(np.uint32) >> 16).astype(np.uint16).tobytes()[:count])
        file.write(data[offset:])
    target.chmod(0o755)
