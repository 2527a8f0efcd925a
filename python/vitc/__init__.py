# ===- __init__.py - Compile and run vision transformers ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Compile vision transformers to native code and run them on numpy arrays.

The compiler runs as a process of its own; only the compiled model and the small
runtime inside it are loaded here, so that vitc lives beside any framework.
"""

from vitc.compile import compile
from vitc.errors import (
    CompileError,
    FileError,
    InternalError,
    InvalidArgumentError,
    OutOfMemoryError,
    UnsupportedError,
    VitcError,
)
from vitc.generation import Generated
from vitc.runtime import Attention, AttentionLayer, CompiledModel, Entry, TensorInfo, load

__all__ = [
    "Attention",
    "AttentionLayer",
    "CompileError",
    "CompiledModel",
    "Entry",
    "FileError",
    "Generated",
    "InternalError",
    "InvalidArgumentError",
    "OutOfMemoryError",
    "TensorInfo",
    "UnsupportedError",
    "VitcError",
    "compile",
    "load",
]
