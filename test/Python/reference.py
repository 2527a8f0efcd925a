# ===- reference.py - vit IR by the reference lowering, from numpy --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Lowers functions of vit ops by convert-vit-to-linalg and upstream's passes, and calls them."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np

from harness import BUILD, run_ok

VIT_OPT = BUILD / "bin" / "vit-opt"

_PASSES = [
    "--llvm-request-c-wrappers",
    "--convert-vit-to-linalg",
    "--one-shot-bufferize=bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map",
    "--convert-linalg-to-loops",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--arith-expand=include-bf16",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--convert-arith-to-llvm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm",
    "--convert-cf-to-llvm",
    "--reconcile-unrealized-casts",
]


def llvm_tool(name: str) -> Path:
    """A program of the LLVM that vitc is built with."""
    found = re.search(r"^MLIR_DIR:PATH=(.*)/lib/cmake/mlir$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)
    assert found, "CMakeCache.txt has no MLIR_DIR that ends in lib/cmake/mlir"
    return Path(found[1]) / "bin" / name


def _descriptor(rank: int) -> type[ctypes.Structure]:
    """MLIR's memref descriptor."""

    class Descriptor(ctypes.Structure):
        _fields_ = (
            ("allocated", ctypes.c_void_p),
            ("aligned", ctypes.c_void_p),
            ("offset", ctypes.c_int64),
            ("sizes", ctypes.c_int64 * rank),
            ("strides", ctypes.c_int64 * rank),
        )

    return Descriptor


def _describe(array: np.ndarray) -> ctypes.Structure:
    strides = [stride // array.itemsize for stride in array.strides]
    sizes = (ctypes.c_int64 * array.ndim)(*array.shape)
    return _descriptor(array.ndim)(
        array.ctypes.data, array.ctypes.data, 0, sizes, (ctypes.c_int64 * array.ndim)(*strides)
    )


class ReferenceLibrary:
    """The functions of an MLIR module, each of which returns one tensor."""

    def __init__(self, module: str, directory: Path) -> None:
        source, lowered = directory / "module.mlir", directory / "lowered.mlir"
        ir, library = directory / "module.ll", directory / "module.so"
        source.write_text(module)
        run_ok(VIT_OPT, source, *_PASSES, "-o", lowered)
        run_ok(llvm_tool("mlir-translate"), "--mlir-to-llvmir", lowered, "-o", ir)
        # -w: the IR names no target and clang says so. The runner's library has the copy of strided memrefs.
        runner_utils = llvm_tool("clang").parents[1] / "lib" / "libmlir_c_runner_utils.so"
        flags = ["-w", "-O1", "-fPIC", "-shared", f"-Wl,-rpath,{runner_utils.parent}"]
        run_ok(llvm_tool("clang"), *flags, ir, runner_utils, "-lm", "-o", library)
        self._library = ctypes.CDLL(str(library))
        self._free = ctypes.CDLL(None).free
        self._free.argtypes = [ctypes.c_void_p]

    def call(self, function: str, *operands: np.ndarray, rank: int) -> np.ndarray:
        """Calls `function`; its result has `rank` dims and the operands' type."""
        operands = tuple(np.ascontiguousarray(operand) for operand in operands)
        descriptors = [_describe(operand) for operand in operands]
        result = _descriptor(rank)()
        getattr(self._library, f"_mlir_ciface_{function}")(
            ctypes.byref(result), *(ctypes.byref(descriptor) for descriptor in descriptors)
        )
        shape = tuple(result.sizes)
        dtype = operands[0].dtype
        data = ctypes.string_at(result.aligned + result.offset * dtype.itemsize, int(np.prod(shape)) * dtype.itemsize)
        self._free(result.allocated)
        return np.frombuffer(data, dtype).reshape(shape)
