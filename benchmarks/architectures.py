# ===- architectures.py - The page of timm's families ----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes docs/architectures.md from what benchmarks/timm_sweep.py found."""

from __future__ import annotations

from timm_families import EXPORTERS, MODELS

INTRODUCTION = """# timm's families as ONNX files

Of each family of timm 1.0 that has an attention, or another mixing of tokens in its place, the smallest model and one
of each other form of attention, with seeded, perturbed weights, by three exporters: TorchScript at opset 17, Dynamo at
18 and at 25. A family is a source file of timm's. The number is the largest error over the largest reference, against
ONNX Runtime in f32; a file agrees when it is below {tolerance:g}. Written by

```sh
python benchmarks/timm_models.py build/benchmarks/timm
python benchmarks/timm_sweep.py build/benchmarks/timm --table docs/architectures.md
```
"""


def describe(result: dict | None, tolerance: float) -> str:
    if result is None:
        return "not tried"
    if "exporter_failed" in result:
        return "no file"
    if "reason" in result:
        return "not compiled"
    mark = "" if result["error"] < tolerance else " differs"
    return f"{result['error']:.0e}{mark}"


def agrees(result: dict | None, tolerance: float) -> bool:
    return result is not None and result.get("error", 1) < tolerance


def count_families(results: dict, tolerance: float) -> tuple[list[str], list[str]]:
    """All families, and those whose files all agree."""
    families = list(dict.fromkeys(model.family for model in MODELS))
    whole = []
    for family in families:
        names = [model.name for model in MODELS if model.family == family]
        tried = [results[name, exporter] for name in names for exporter in EXPORTERS]
        files = [result for result in tried if result is None or "exporter_failed" not in result]
        if files and all(agrees(result, tolerance) for result in files):
            whole.append(family)
    return families, whole


def list_reasons(results: dict, tolerance: float) -> list[str]:
    """A line for each file that there is no number below the tolerance for."""
    lines = []
    for (name, exporter), result in results.items():
        if result is None or agrees(result, tolerance):
            continue
        if "exporter_failed" in result:
            text = f"PyTorch does not export it: {result['exporter_failed']}"
        else:
            text = result.get("reason") or f"differs by {result['error']:.1e}"
        lines.append(f"| {name} | {exporter} | {text.replace('|', chr(92) + '|')} |")
    return lines


def write_table(results: dict, tolerance: float) -> str:
    families, whole = count_families(results, tolerance)
    files = [result for result in results.values() if result is not None and "exporter_failed" not in result]
    agreed = sum(agrees(result, tolerance) for result in files)
    text = INTRODUCTION.format(tolerance=tolerance)
    text += f"\n{agreed} of {len(files)} files agree, of {len(whole)} of {len(families)} families every file.\n\n"
    text += "| family | its models | model | " + " | ".join(EXPORTERS) + " |\n"
    text += "|---|---|---|" + "---|" * len(EXPORTERS) + "\n"
    for model in MODELS:
        cells = [describe(results[model.name, exporter], tolerance) for exporter in EXPORTERS]
        depth = f", depth {model.arguments['depth']}" if "depth" in model.arguments else ""
        text += f"| `{model.family}` | {model.models} | {model.name}{depth} | {' | '.join(cells)} |\n"
    reasons = list_reasons(results, tolerance)
    if reasons:
        text += (
            "\nReasons where there is no number, or it is too large:\n\n| model | exporter | reason |\n|---|---|---|\n"
        )
        text += "\n".join(reasons) + "\n"
    return text
