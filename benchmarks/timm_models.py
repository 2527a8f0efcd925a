# ===- timm_models.py - timm's attention families as ONNX files -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Exports small models of timm's families with seeded, perturbed weights; needs torch, timm and onnx.

Writes MODEL.EXPORTER.onnx, MODEL.npz with the input and PyTorch's outputs, and MODEL.EXPORTER.txt with the reason where
the exporter fails:

    python benchmarks/timm_models.py build/benchmarks/timm            # every family
    python benchmarks/timm_models.py build/benchmarks/timm cait xcit  # some
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import logging
import warnings
from pathlib import Path

from timm_families import EXPORTERS, MODELS, TimmModel


def perturb(torch, model) -> None:
    """Makes every norm, bias, scale and table matter: what is constant or a vector moves by a tenth."""
    generator = torch.Generator().manual_seed(1)

    def noise(tensor):
        return 0.1 * torch.randn(tensor.shape, generator=generator)

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            table = any(part in name for part in ("token", "pos_embed", "table", "rel_", "gamma"))
            if parameter.ndim <= 1 or table or bool((parameter == parameter.flatten()[0]).all()):
                parameter.add_(noise(parameter))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.add_(noise(buffer))
            elif name.endswith("running_var"):
                buffer.mul_(1 + noise(buffer).abs())


def make_model(description: TimmModel):
    import timm
    import torch

    torch.manual_seed(0)
    model = timm.create_model(description.name, **description.arguments).eval()
    perturb(torch, model)
    generator = torch.Generator().manual_seed(2)
    return model, torch.randn(1, *description.input_shape, generator=generator)


def capture(model, pixels):
    """What both of Dynamo's opsets are written from."""
    import torch

    return torch.export.export(model, (pixels,))


def export_one(model, pixels, exporter: str, path: Path) -> None:
    """Writes a module with TorchScript, a captured program with Dynamo; raises for an invalid file, too."""
    import onnx
    import torch

    dynamo = exporter.startswith("dyn")
    options = {"external_data": False, "verbose": False} if dynamo else {}
    # TorchScript prints the whole graph where it fails.
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(
            model,
            (pixels,),
            path,
            dynamo=dynamo,
            opset_version=int(exporter[-2:]),
            input_names=["pixel_values"],
            **options,
        )
    onnx.checker.check_model(path)


def describe_failure(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}"[:200] if lines else type(error).__name__


def export_files(description: TimmModel, exporters: list[str], folder: Path) -> dict[str, str]:
    """Exports with timm's fused attention, or without it what the exporters do not take so; reasons of failures."""
    import timm.layers

    reasons: dict[str, str] = {}
    left = list(exporters)
    for fused in (True, False):
        timm.layers.set_fused_attn(fused)
        model, pixels = make_model(description)
        program = None
        for exporter in list(left):
            path = folder / f"{description.name}.{exporter}.onnx"
            temporary = path.with_suffix(".partial")
            try:
                if exporter.startswith("dyn") and program is None:
                    program = capture(model, pixels)
                export_one(program if exporter.startswith("dyn") else model, pixels, exporter, temporary)
            except Exception as error:  # whatever the exporter raises
                temporary.unlink(missing_ok=True)
                reasons.setdefault(exporter, describe_failure(error))
                continue
            temporary.rename(path)
            reasons.pop(exporter, None)
            left.remove(exporter)
            print(f"{description.name} {exporter}: exported", flush=True)
        if not left:
            break
    return reasons


def export_model(description: TimmModel, folder: Path, exporters: list[str]) -> None:
    import numpy as np
    import torch

    reference = folder / f"{description.name}.npz"
    if not reference.exists():
        model, pixels = make_model(description)
        with torch.no_grad():
            result = model(pixels)
        outputs = result if isinstance(result, (tuple, list)) else [result]
        arrays = {f"y{index}": output.numpy() for index, output in enumerate(outputs)}
        np.savez(reference, x0=pixels.numpy(), **arrays)
    stems = {exporter: folder / f"{description.name}.{exporter}" for exporter in exporters}
    missing = [
        exporter
        for exporter, stem in stems.items()
        if not any(Path(f"{stem}{suffix}").exists() for suffix in (".onnx", ".txt", ".json"))
    ]
    if not missing:
        return
    for exporter, reason in export_files(description, missing, folder).items():
        Path(f"{stems[exporter]}.txt").write_text(reason + "\n")
        print(f"{description.name} {exporter}: {reason}", flush=True)
    gc.collect()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("families", nargs="*", help="default: all")
    parser.add_argument("--exporters", nargs="+", choices=EXPORTERS, default=list(EXPORTERS))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    unknown = set(arguments.families) - {model.family for model in MODELS}
    if unknown:
        parser.error(f"no family {', '.join(sorted(unknown))}; see benchmarks/timm_families.py")
    import torch

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    chosen = [model for model in MODELS if not arguments.families or model.family in arguments.families]
    # The smallest of each family first.
    seen = set()
    later = []
    for description in chosen:
        if description.family in seen:
            later.append(description)
            continue
        seen.add(description.family)
        export_model(description, arguments.folder, arguments.exporters)
    for description in later:
        export_model(description, arguments.folder, arguments.exporters)


if __name__ == "__main__":
    main()
