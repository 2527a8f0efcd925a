# ===- test_gpu_ptxas.py - Kernels as NVIDIA's assembler sees them --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""ptxas assembles every kernel of some models for every architecture, and keeps all values in registers.

The models have each kind of kernel, and products of all tiles. What reads PTX alone needs no ptxas, nothing a GPU.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import VITC, run, run_ok

DATA = Path(__file__).parent / "data"
MODELS: dict[str, list[str | Path]] = {
    "vit": ["zoo:vit-b"],
    "swin": ["zoo:swin-t"],
    "hybrid": ["zoo:hybrid-r26-s"],
    "linformer": ["zoo:linformer-2048"],
    "segmenter": [DATA / "dense_models" / "SegformerForSemanticSegmentation", "--image-size=512x512"],
    "decoder": [DATA / "generation" / "T5ForConditionalGeneration", "--max-source-length=128"],
}
ARCHITECTURES = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_120")
FOLDERS = [Path(os.environ[name], "bin") for name in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH") if name in os.environ]
PTXAS = shutil.which("ptxas") or shutil.which("ptxas", path=os.pathsep.join(map(str, FOLDERS)))

needs_ptxas = pytest.mark.skipif(not PTXAS, reason="found no ptxas in PATH, CUDA_ROOT, CUDA_HOME or CUDA_PATH")


# Rows of a block, panels of 64 columns: what warpgroups of sm_90a multiply.
WARPGROUP_TILES = [(64, 1), (64, 2), (64, 3), (64, 4), (128, 1), (128, 2), (128, 3), (128, 4)]
NORMS = {"plain": "", "layer": "norm <epsilon = 1.0e-05 : f64>", "rms": "norm <epsilon = 1.0e-05 : f64, rms = true>"}
PRODUCT = """
#rows = affine_map<(b, i, l) -> (0, i, l)>
module attributes {{vit.model = #vit.model<name = "product", task = "tensor", source = "", parameters = 0>}} {{
  func.func @forward(%context: !kernel.context) attributes {{kernel.entry = #kernel.entry<
      inputs = [<name = "x", type = tensor<1x577x{k}x{lhs}>>, <name = "w", type = tensor<{words}xbf16>>,
                <name = "b", type = tensor<776xf32>>],
      outputs = [<name = "y", type = tensor<1x577x776xbf16>>], arena = 0, per_batch = 0>}} {{
    %one = arith.constant 1 : index
    %n = arith.constant 577 : index
    %x = kernel.buffer %context input at 0 : memref<1x577x{k}x{lhs}>
    %w = kernel.buffer %context input at 1 : memref<{words}xbf16>
    %b = kernel.buffer %context input at 2 : memref<776xf32>
    %y = kernel.buffer %context output at 0 : memref<1x577x776xbf16>
    kernel.gemm batch(%one) rows(%n) n 776 k {k} lhs(%x at #rows : memref<1x577x{k}x{lhs}>)
        weights(%w : memref<{words}xbf16>) bias(%b : memref<776xf32>)
        init(%y at #rows : memref<1x577x776xbf16>) activation gelu {norm}
        tiling <provider = nvvm, rows = 64, columns = {columns}, kBlock = 32, unroll = 3, rowBlock = {rows},
                panels = {panels}>
    return
  }}
}}
"""


class Kernel(NamedTuple):
    name: str
    memory: str  # stack frame and spills in the words of ptxas


def read_kernels(notes: str) -> Iterator[Kernel]:
    """What ptxas -v says of each function."""
    for match in re.finditer(r"Function properties for (\S+)\n\s*(.*)", notes):
        yield Kernel(match[1], match[2])


def find_lost_speed(notes: str) -> list[str]:
    """Functions with values in memory, and wgmma that ptxas serialises."""
    lost = [
        f"{kernel.name}: {kernel.memory}"
        for kernel in read_kernels(notes)
        if kernel.memory != "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"
    ]
    return lost + re.findall(r"\(C7\d+\).*", notes)


def test_finds_lost_speed() -> None:
    notes = (
        "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized in 'a'\n"
        "ptxas info    : Function properties for a\n"
        "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
        "ptxas info    : Function properties for b\n"
        "    8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads\n"
    )
    spilled, serialised = find_lost_speed(notes)
    assert spilled == "b: 8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads"
    assert serialised.startswith("(C7510)")


def assemble(ptx: Path, architecture: str) -> None:
    result = run(PTXAS, "-v", f"-arch={architecture}", ptx, "-o", ptx.with_suffix(".cubin"))
    assert result.returncode == 0, result.stderr
    notes = result.stdout + result.stderr
    assert len(list(read_kernels(notes))) == ptx.read_text().count(".entry ")
    assert find_lost_speed(notes) == []


def find_late_writes(ptx: str) -> list[str]:
    """Instructions that write a register which a wgmma of their group names, behind the group's fence."""
    late: list[str] = []
    for group in re.findall(r"wgmma\.fence\.sync\.aligned;(.*?)wgmma\.commit_group", ptx, re.DOTALL):
        lines = [line.strip() for line in group.splitlines()]
        products = [line for line in lines if line.startswith("wgmma.mma_async")]
        named = {register for line in products for register in re.findall(r"%\w+", line)}
        for line in lines:
            written = re.match(r"(?!wgmma)[\w.:]+\s+(?:{([^}]*)}|(%\w+))", line)
            if written and named.intersection(re.findall(r"%\w+", written[0])) - descriptors(products):
                late.append(line)
    return late


def descriptors(products: list[str]) -> set[str]:
    """Registers of words for shared memory, which no fence is for: those of no list of registers."""
    return {register for line in products for register in re.findall(r"%\w+", re.sub(r"{[^}]*}", "", line))}


def test_finds_late_writes() -> None:
    product = "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%r1, %r2}, {%r3, %r4}, %rd1, 1, 1, 1, 1;"
    early = "mov.b32 %r1, 0;\nwgmma.fence.sync.aligned;\nadd.s64 %rd1, %rd2, 2;\n"
    end = "\nwgmma.commit_group.sync.aligned;\nmov.b32 %r3, 0;"
    assert find_late_writes(early + product + end) == []
    assert find_late_writes(early + "mov.b32 %r2, 0;\n" + product + end) == ["mov.b32 %r2, 0;"]
    assert find_late_writes(early + "mov.b32 {%r9, %r4}, %rd5;\n" + product + end) == ["mov.b32 {%r9, %r4}, %rd5;"]


@pytest.mark.parametrize("precision", ["bf16", "f16"])
@pytest.mark.parametrize("name", MODELS)
def test_products_find_their_registers_written(name: str, precision: str, tmp_path: Path) -> None:
    """PTX ISA 9.0, 9.7.15: a wgmma.fence stands between a write of a register and the wgmma that names it."""
    model, *options = MODELS[name]
    ptx = tmp_path / "kernels.ptx"
    run_ok(VITC, "compile", model, "-o", ptx, "--target=sm_90a", f"--precision={precision}", *options)
    assert find_late_writes(ptx.read_text()) == []


@needs_ptxas
@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "architecture"),
    [*itertools.product(["f32", "bf16"], ARCHITECTURES), ("tf32", "sm_80"), ("tf32", "sm_90a")],
)
@pytest.mark.parametrize("name", MODELS)
def test_keeps_values_in_registers(name: str, precision: str, architecture: str, tmp_path: Path) -> None:
    model, *options = MODELS[name]
    ptx = tmp_path / "kernels.ptx"
    run_ok(VITC, "compile", model, "-o", ptx, f"--target={architecture}", f"--precision={precision}", *options)
    assemble(ptx, architecture)


@needs_ptxas
@pytest.mark.slow
@pytest.mark.parametrize(("rows", "panels"), WARPGROUP_TILES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("lhs", ["f32", "bf16"])
@pytest.mark.parametrize("k", [520, 1000])
def test_warpgroups_keep_values_in_registers(
    rows: int, panels: int, norm: str, lhs: str, k: int, tmp_path: Path
) -> None:
    """Tiles that no model here has, too: of rows that are copied, changed or normalised on their way."""
    words = 784 * (-(-k // 16) * 16)  # padded to multiples of 16
    text = PRODUCT.format(k=k, lhs=lhs, words=words, norm=NORMS[norm], columns=64 * panels, rows=rows, panels=panels)
    (tmp_path / "product.mlir").write_text(text)
    ptx = tmp_path / "kernels.ptx"
    run_ok(VITC, "compile", tmp_path / "product.mlir", "--compile-from=kernel", "-o", ptx, "--target=sm_90a")
    assemble(ptx, "sm_90a")
