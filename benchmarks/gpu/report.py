# ===- report.py - The results of a machine with a GPU as a page -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Tables of what run.py found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def format_number(value: object, digits: int = 3) -> str:
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return "" if value is None else str(value)


def format_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    lines += [f"| {' | '.join(format_number(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def format_verdicts(verdicts: list[dict]) -> str:
    rows = [
        (
            each["name"],
            each["architecture"],
            f"{each['error']:.1e}" if each["error"] is not None else "",
            f"{each['tolerance']:.0e}",
            "; ".join(each["tiles"]),
            each["reason"] or "agrees",
        )
        for each in verdicts
    ]
    return format_table(["", "code for", "error", "at most", "tiles of products", ""], rows)


def format_speed(speed: dict) -> list[str]:
    parts = []
    if speed["torch"]:
        rates = speed["ceilings"]
        parts.append(
            f"PyTorch {speed['torch']['torch']}, CUDA {speed['torch']['cuda']}."
            + (
                f" Measured ceilings: {rates['flops_per_second'] / 1e12:.0f} TFLOP/s (torch.matmul of 8192 x 8192 in "
                f"bf16), {rates['bytes_per_second'] / 1e12:.2f} TB/s (a copy, read and written)."
                if rates
                else ""
            )
        )
    columns = ["model", "batch", "vitc ms", "with copies", "images/s", "torch.compile ms", "torch/vitc", ""]
    keys = [
        "model",
        "batch",
        "vitc_ms",
        "vitc_end_to_end_ms",
        "images_per_second",
        "torch_ms",
        "torch_per_vitc",
        "note",
    ]
    parts += ["## Models", format_table(columns, [[row[key] for key in keys] for row in speed["models"]])]
    columns = ["model", "batch", "kernel", "M", "N", "K", "vitc ms", "torch.matmul ms", "torch/vitc", "of roofline"]
    keys = [
        "model", "batch", "kernel", "rows", "outputs", "inputs", "vitc_ms", "torch_ms", "torch_per_vitc", "roofline",
    ]  # fmt: skip
    parts += ["## Products", format_table(columns, [[row[key] for key in keys] for row in speed["products"]])]
    failures = [f"- It failed: {failure}" for failure in speed["failures"]]
    return parts + failures + [f"- Not measured: {reason}" for reason in speed["left_out"]]


def format_page(results: dict) -> str:
    device = results["device"]
    parts = [
        f"# vitc on {device['name']}",
        f"{results['date']}, driver {device['driver']}, compute capability {'.'.join(map(str, device['capability']))}; "
        f"{results['vitc']}, commit {results['commit']}, prepared {results['prepared']}.",
    ]
    for key, title in (("kernels", "Kernels and the emulator"), ("models", "Models and their references")):
        if results[key] is not None:
            parts += [f"## {title}", format_verdicts(results[key])]
    if results["speed"]:
        parts += format_speed(results["speed"])
    return "\n\n".join(parts) + "\n"
