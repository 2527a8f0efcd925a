# ===- test_fusion_bytes.py - What fused models compute and move -----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The kernels of a model beside what no program could leave out, both computed from the IR.

Unavoidable is what the raised module says: each product, convolution and attention reads its activations, weights and
residual once and writes its result once. Norms, elementwise ops and data movement cost nothing, but for one: a group
norm's statistics need the whole map, so that the product before it has stored all of it before any element is
normalised. A product can normalise what it reads, but a sum of a group norm's result and a residual is no product's:
the residual is read for it, as for any, and the sum is stored, since the next product and the next sum both read it,
behind group norms of their own.

VITC_MODELS names a folder with the full-size ONNX files of benchmarks/models.py; without it they are skipped.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from module_ir import Kernel, KernelModule, Product, RaisedModule
from timm_folders import write_swin_t

from harness import VITC, run_ok

MODELS = Path(__file__).parent / "data" / "models"
FULL_SIZE = os.environ.get("VITC_MODELS")
# Stage and block, whoever wrote the model: layers.2.blocks.0, /layers/layers.2/blocks/blocks.0.
SWIN_BLOCK = re.compile(r"layers\.(\d+)[./](?:blocks/)?blocks\.(\d+)\b")

TIMM_SWIN_T = "timm:swin_t"
SWINS = [
    "zoo:swin-t",
    TIMM_SWIN_T,
    str(MODELS / "SwinForImageClassification"),
    str(MODELS / "SwinForImageClassification" / "model.ts17.onnx"),
]
ALL = [*SWINS, "zoo:vit-b", "zoo:linformer-2048", "zoo:hybrid-r26-s"]
if FULL_SIZE:
    SWINS.append(str(Path(FULL_SIZE) / "swin_t.onnx"))
    ALL += [str(Path(FULL_SIZE) / f"{name}.onnx") for name in ("swin_t", "vit_b16", "linformer_2048", "hybrid_r26_s")]


def get_id(model: str) -> str:
    return str(Path(model).relative_to(MODELS)) if model.startswith(str(MODELS)) else Path(model).name


@cache
def make_timm_folder() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    write_swin_t(Path(folder.name))
    return folder


def get_source(model: str) -> str:
    """What vitc takes."""
    return make_timm_folder().name if model == TIMM_SWIN_T else model


def compile_to(phase: str, model: str, *options: str) -> str:
    # ONNX files have their own batch.
    batch = () if model.endswith(".onnx") else ("--batch=1",)
    return run_ok(VITC, "compile", get_source(model), *batch, f"--compile-to={phase}", "-o", "-", *options)


@cache
def get_kernels(model: str) -> KernelModule:
    return KernelModule(compile_to("kernel", model))


@cache
def get_raised(model: str) -> RaisedModule:
    return RaisedModule(compile_to("raise", model, "--mlir-print-op-generic"))


def get_block(sources: list[str]) -> tuple[str, str] | None:
    found = (SWIN_BLOCK.search(name) for name in sources)
    return next((match.groups() for match in found if match), None)


def by_block(ops: list[Kernel] | list[Product], get_sources) -> dict[tuple[str, str], list]:
    blocks: dict[tuple[str, str], list] = {}
    for op in ops:
        if (block := get_block(get_sources(op))) is not None:
            blocks.setdefault(block, []).append(op)
    return blocks


@pytest.mark.parametrize("model", SWINS, ids=get_id)
def test_swin_blocks_are_at_most_six_kernels(model: str) -> None:
    module = get_kernels(model)
    blocks = by_block(module.kernels, lambda kernel: kernel.op.sources)
    attentions = [kernel for kernel in module.kernels if kernel.name == "attention"]
    assert len(blocks) == len(attentions) == len(get_raised(model).scores)
    for block, kernels in blocks.items():
        assert len(kernels) <= 6, f"{block}: {[kernel.name for kernel in kernels]}"
        assert [kernel.name for kernel in kernels].count("attention") == 1


@pytest.mark.parametrize("model", SWINS, ids=get_id)
def test_swin_blocks_move_little_more_than_they_must(model: str) -> None:
    kernels = by_block(get_kernels(model).kernels, lambda kernel: kernel.op.sources)
    raised = get_raised(model)
    products = by_block(raised.products, lambda product: product.sources)
    assert kernels.keys() == products.keys()
    for block in kernels:
        moved = sum(kernel.bytes for kernel in kernels[block])
        unavoidable = raised.get_unavoidable_bytes(products[block])
        assert moved <= 1.1 * unavoidable, f"{block}: {moved / unavoidable:.3f} times {unavoidable}"


@pytest.mark.parametrize("model", ALL, ids=get_id)
def test_models_move_little_more_than_they_must(model: str) -> None:
    moved = sum(kernel.bytes for kernel in get_kernels(model).kernels)
    unavoidable = get_raised(model).get_unavoidable_bytes()
    assert moved <= 1.1 * unavoidable, f"{moved / unavoidable:.3f} times {unavoidable}"


@pytest.mark.parametrize("model", ALL, ids=get_id)
def test_no_kernel_only_copies(model: str) -> None:
    """No activation is moved. The class token is a constant; a picture may be put into a border."""
    module = get_kernels(model)
    copies = [
        (kernel.name, kernel.op.sources[:1])
        for kernel in module.kernels
        if kernel.only_copies and any(module.spaces[read.operand] == "arena" for read in kernel.reads)
    ]
    assert copies == []


# The small Swins have as many channels as a window has tokens: their activations have the shapes of scores.
@pytest.mark.parametrize("model", [model for model in ALL if not model.startswith(str(MODELS))], ids=get_id)
def test_scores_are_never_stored(model: str) -> None:
    module, scores = get_kernels(model), get_raised(model).scores
    assert scores
    assert len(module.arena) >= len(scores)
    for buffer in module.arena:
        for matrices, queries, keys in scores:
            sizes = list(buffer.shape)
            is_matrix = queries in sizes and keys in (sizes.remove(queries) or sizes)
            assert not is_matrix or prod(buffer.shape) < matrices * queries * keys, f"{buffer} has the scores' size"
            assert queries * keys not in buffer.shape


@pytest.mark.parametrize("model", ALL, ids=get_id)
def test_explain_counts_the_same_bytes(model: str) -> None:
    """Its maps are bounded, ours evaluated."""
    batch = () if model.endswith(".onnx") else ("--batch=1",)
    report = json.loads(run_ok(VITC, "explain", get_source(model), *batch, "--json"))
    kernels = get_kernels(model).kernels
    assert len(report["kernels"]) == len(kernels)
    for row, kernel in zip(report["kernels"], kernels, strict=True):
        assert row["op"] == kernel.name
        # explain begins with the layer's own name, not with what is fused into it.
        assert sorted(row["sources"]) == sorted(kernel.op.sources)
        assert row["written_bytes"] == kernel.written_bytes
        assert row["weight_bytes"] + row["read_bytes"] + row["written_bytes"] == kernel.bytes, row["layer"]
