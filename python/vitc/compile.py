# ===- compile.py - Run the compiler --------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs `vitc compile` as a process and loads what it wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

from vitc.errors import CompileError, FileError
from vitc.runtime import CompiledModel, load


def find_compiler() -> str:
    """Path of the vitc program: the variable VITC, then PATH, then build/bin of this checkout."""
    if "VITC" in os.environ:
        return os.environ["VITC"]
    built = Path(__file__).resolve().parents[2] / "build" / "bin" / "vitc"
    found = shutil.which("vitc") or (str(built) if built.is_file() else None)
    if found is None:
        raise FileError(f"no vitc program in PATH or at {built}; build it, or name it in the variable VITC")
    return found


def compile(
    model: str | os.PathLike[str],
    *,
    image_size: tuple[int, int] | None = None,
    max_length: int | None = None,
    max_source_length: int | None = None,
    batch: int | str | None = None,
    target: str | None = None,
    precision: str = "f32",
    backend: str = "llvm",
    output: str | os.PathLike[str] | None = None,
    threads: int = 0,
    isa: str | None = None,
    device: int | None = None,
) -> CompiledModel:
    """Compiles a vision transformer to native code and loads it.

    Args:
        model: path of a model folder or a .mlir file, or "zoo:NAME"; it is not changed.
        image_size: (height, width) in pixels; None: the model's own.
        max_length: tokens of a text, of a model that generates of what it generates; None: the model's own.
        max_source_length: tokens of the text that a model generates from; None: the model's own.
        batch: a number, or "dynamic" for any; None: the compiler's default.
        target: e.g. "x86_64-linux-gnu", or GPUs such as "sm_80,sm_90a"; None: this machine's CPU.
        precision: "f32", "tf32", "bf16" or "f16", of weights and activations; sums are f32 always.
        backend: "llvm", "onednn" or "auto".
        output: where to keep the .so file; None: it is gone when the process ends.
        threads, isa, device: as for vitc.load.
    Returns:
        The model, ready to be called with arrays of the source's shapes and types.
    Raises:
        CompileError: the compiler refused the model or an option; the text is its message.
        FileError: there is no vitc program.
    Warns:
        UserWarning: the compiler warned about the model; the text is its message."""
    options = [f"--precision={precision}", f"--backend={backend}"]
    if image_size is not None:
        options.append("--image-size={}x{}".format(*image_size))
    if max_length is not None:
        options.append(f"--max-length={max_length}")
    if max_source_length is not None:
        options.append(f"--max-source-length={max_source_length}")
    if batch is not None:
        options.append(f"--batch={batch}")
    if target is not None:
        options.append(f"--target={target}")
    if output is not None:
        _run_compiler(model, options, output)
        return load(output, threads=threads, isa=isa, device=device)
    with tempfile.TemporaryDirectory(prefix="vitc-") as folder:
        path = Path(folder, "model.so")
        _run_compiler(model, options, path)
        return load(path, threads=threads, isa=isa, device=device)  # Stays mapped when the folder goes.


def _run_compiler(model: str | os.PathLike[str], options: list[str], output: str | os.PathLike[str]) -> None:
    program = find_compiler()
    command = [program, "compile", os.fspath(model), "-o", os.fspath(output), "--emit=so", *options]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise FileError(f"{program}: cannot be run: {error.strerror}") from None
    if result.returncode != 0:
        message = result.stderr.strip() or f"{program}: ended with code {result.returncode} and no message"
        raise CompileError(message, result.returncode)
    # The rest says how large the library is.
    messages = [line for line in result.stderr.splitlines() if "warning: " in line]
    if messages:
        warnings.warn("\n".join(messages), stacklevel=3)  # Of who calls vitc.compile.
