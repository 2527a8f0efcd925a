# ===- errors.py - What vitc raises ---------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""One exception type for each status of include/vitc/Runtime/vitc.h, and one for the compiler."""

from __future__ import annotations


class VitcError(Exception):
    """Base of every error of vitc; its text is one line: what was found, then what was needed."""


class InvalidArgumentError(VitcError, ValueError):
    """A shape, name, type or option is wrong."""


class UnsupportedError(VitcError):
    """This machine or this file cannot do what was asked."""


class OutOfMemoryError(VitcError, MemoryError):
    """The model's buffers do not fit into memory."""


class FileError(VitcError, OSError):
    """A file is missing, unreadable or malformed."""


class InternalError(VitcError):
    """vitc itself is at fault."""


class CompileError(VitcError):
    """The compiler refused a model; its text is the compiler's own message.

    Attributes:
        exit_code: 1 the model is at fault, 2 an option is, 3 verification found a difference, 4 vitc is at fault;
            negative: the number of the signal that ended the compiler.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


_BY_STATUS: dict[int, type[VitcError]] = {
    1: InvalidArgumentError,
    2: UnsupportedError,
    3: OutOfMemoryError,
    4: FileError,
    5: InternalError,
}


def from_status(status: int, message: str) -> VitcError:
    """The exception for a status other than VITC_OK."""
    return _BY_STATUS.get(status, InternalError)(message)
