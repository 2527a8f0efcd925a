# ===- agreement.py - Programs on the GPU and what they should give --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs the carried programs on the GPU and compares their outputs with the emulator's and with references."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from carried import GpuBenchmarkError, Subject, load_arrays, run_program


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Of one program and architecture."""

    name: str
    precision: str
    architecture: str
    # The largest error of an output, as a part of that output's largest value; NaN where nothing could be compared.
    error: float
    tolerance: float
    # Of its products.
    tiles: list[str]
    # Why they do not agree; "" where they do.
    reason: str


def measure_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference as a part of the largest expected value, infinite where something is no number."""
    if expected.size == 0:
        return 0.0
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    if not np.isfinite(difference).all():
        return float("inf")
    largest = float(np.abs(expected.astype(np.float64)).max())
    return float(difference.max()) / largest if largest else float(difference.max())


def compare_output(name: str, actual: np.ndarray, expected: np.ndarray, subject: Subject) -> tuple[float, str]:
    """The error, and why the outputs do not agree."""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return float("nan"), (
            f"'{name}' is {actual.dtype} {list(actual.shape)}; the reference is {expected.dtype} {list(expected.shape)}"
        )
    if not np.issubdtype(expected.dtype, np.floating):
        different = int((actual != expected).sum())
        return float(different > 0), f"'{name}' differs in {different} of {expected.size} numbers" if different else ""
    error = measure_error(actual, expected)
    if not error <= subject.tolerance:
        return error, f"'{name}' has an error of {error:.2e}; at most {subject.tolerance:.0e} is rounding"
    if name == subject.classes:
        wrong = int((actual.argmax(-1) != expected.argmax(-1)).sum())
        if wrong:
            return error, f"'{name}' has another top class in {wrong} rows"
    return error, ""


def compare(subject: Subject, architecture: str, program: Path, expected: Path, work: Path) -> Verdict:
    """Runs `program` for `architecture` on the arrays of inputs.npz beside it."""

    def judge(error: float, reason: str) -> Verdict:
        tiles = subject.tiles.get(architecture, [])
        return Verdict(subject.name, subject.precision, architecture, error, subject.tolerance, tiles, reason)

    try:
        inputs = load_arrays(program.parent / "inputs.npz")
        references = load_arrays(expected)
        outputs = run_program(program, inputs, work, "--isa", architecture, *subject.options)
    except GpuBenchmarkError as error:
        return judge(float("nan"), str(error))
    if not references:
        return judge(float("nan"), f"{expected} has no outputs; the whole file that prepare.py wrote is needed")
    worst = 0.0
    for name, reference in references.items():
        if name not in outputs:
            return judge(float("nan"), f"the program has no output '{name}', only {', '.join(sorted(outputs))}")
        error, reason = compare_output(name, outputs[name], reference, subject)
        worst = max(worst, error) if error == error else error
        if reason:
            return judge(worst, reason)
    return judge(worst, "")


def compare_kernels(carried: Path, subjects: list[Subject], architectures: list[str], work: Path, say) -> list[Verdict]:
    """Each kernel for each architecture that the GPU runs, with what the emulator computed for the same."""
    verdicts = []
    for subject in subjects:
        folder = carried / "kernels" / subject.name
        for architecture in architectures:
            verdicts.append(
                compare(subject, architecture, folder / "program", folder / f"{architecture}.npz", work / "kernel")
            )
            say(format_verdict(verdicts[-1]))
    return verdicts


def compare_models(carried: Path, subjects: list[Subject], architectures: list[str], work: Path, say) -> list[Verdict]:
    """Each model for each architecture that the GPU runs, with PyTorch's results."""
    verdicts = []
    for subject in subjects:
        folder = carried / "models" / subject.name
        for architecture in architectures:
            verdicts.append(compare(subject, architecture, folder / "program", folder / "expected.npz", work / "model"))
            say(format_verdict(verdicts[-1]))
    return verdicts


def format_verdict(verdict: Verdict) -> str:
    state = f"DIFFERS: {verdict.reason}" if verdict.reason else f"error {verdict.error:.1e}"
    return f"{verdict.name} {verdict.architecture}: {state}"
