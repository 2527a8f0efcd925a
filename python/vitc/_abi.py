# ===- _abi.py - The C ABI of a compiled model, for ctypes ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Structures and signatures of include/vitc/Runtime/vitc.h; that header says what they mean."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_void_p
from typing import Any

import numpy as np

from vitc.errors import FileError, UnsupportedError, from_status

MESSAGE_SIZE = 512
MAX_RANK = 8

# vitc_dtype_t; bf16 (3) has no numpy type.
_DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float64),
    2: np.dtype(np.float16),
    4: np.dtype(np.int8),
    5: np.dtype(np.uint8),
    6: np.dtype(np.int16),
    7: np.dtype(np.uint16),
    8: np.dtype(np.int32),
    9: np.dtype(np.uint32),
    10: np.dtype(np.int64),
    11: np.dtype(np.uint64),
    12: np.dtype(np.bool_),
}
_DTYPE_CODES = {dtype: code for code, dtype in _DTYPES.items()}


class Error(ctypes.Structure):
    _fields_ = (("status", c_int32), ("message", c_char * MESSAGE_SIZE))


class TensorInfo(ctypes.Structure):
    _fields_ = (("name", c_char_p), ("dtype", c_int32), ("rank", c_int32), ("dims", c_int64 * MAX_RANK))


class Tensor(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("dtype", c_int32), ("rank", c_int32), ("dims", c_int64 * MAX_RANK))


class AttentionLayer(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("number", c_int32),
        ("windows", c_int32),
        ("heads", c_int32),
        ("queries", c_int32),
        ("keys", c_int32),
        ("projection", c_int32),
        ("tokens", c_int32),
        ("class_token", c_int32),
    )


class Selection(ctypes.Structure):
    _fields_ = (("first", c_int64), ("count", c_int64))


MEAN_QUERIES = -1


class TextInfo(ctypes.Structure):
    _fields_ = (
        ("max_length", c_int64),
        ("ids", c_char_p),
        ("mask", c_char_p),
        ("types", c_char_p),
        ("is_prompt", c_int32),
    )


class GenerationOptions(ctypes.Structure):
    _fields_ = (
        ("beams", c_int32),
        ("early_stopping", c_int32),
        ("min_length", c_int64),
        ("max_length", c_int64),
        ("length_penalty", c_double),
    )


EARLY_STOPPING: dict[bool | str, int] = {False: 0, True: 1, "never": 2}
TokenFn = ctypes.CFUNCTYPE(None, c_void_p, c_int64)


class GenerationInput(ctypes.Structure):
    _fields_ = (
        ("inputs", POINTER(Tensor)),
        ("prompt", POINTER(c_int64)),
        ("prompt_length", c_int64),
        ("attention", c_int32),
        ("on_token", TokenFn),
        ("data", c_void_p),
    )


class Generated(ctypes.Structure):
    _fields_ = (
        ("tokens", POINTER(c_int64)),
        ("token_scores", POINTER(c_float)),
        ("num_tokens", c_int64),
        ("score", c_float),
        ("text", c_char_p),
        ("attention", POINTER(c_float)),
        ("num_keys", c_int64),
    )


# Name: (result, arguments without the trailing vitc_error_t *). Functions that return a status end in one.
_STATUS = {
    "vitc_runtime_create": (c_int32, POINTER(c_void_p)),
    "vitc_model_create": (c_void_p, c_void_p, c_char_p, POINTER(c_void_p)),
    "vitc_model_create_on_device": (c_void_p, c_void_p, c_char_p, c_int32, POINTER(c_void_p)),
    "vitc_model_input": (c_void_p, c_int32, POINTER(TensorInfo)),
    "vitc_model_output": (c_void_p, c_int32, POINTER(TensorInfo)),
    "vitc_model_entry_input": (c_void_p, c_char_p, c_int32, POINTER(TensorInfo)),
    "vitc_model_entry_output": (c_void_p, c_char_p, c_int32, POINTER(TensorInfo)),
    "vitc_model_attention_layer": (c_void_p, c_int32, POINTER(AttentionLayer)),
    "vitc_model_read_image": (c_void_p, c_char_p, POINTER(Tensor)),
    "vitc_model_text": (c_void_p, POINTER(TextInfo)),
    "vitc_model_tokenize": (
        c_void_p,
        c_char_p,
        POINTER(c_int64),
        POINTER(c_int64),
        POINTER(c_int64),
        POINTER(c_int64),
    ),
    "vitc_model_generation_options": (c_void_p, POINTER(GenerationOptions)),
    "vitc_session_create": (c_void_p, c_int64, POINTER(c_void_p)),
    "vitc_session_run": (c_void_p, POINTER(Tensor), POINTER(Tensor)),
    "vitc_session_run_entry": (c_void_p, c_char_p, POINTER(Tensor), POINTER(Tensor)),
    "vitc_session_run_attention": (c_void_p, POINTER(Tensor), POINTER(Tensor), POINTER(Selection), POINTER(Tensor)),
    "vitc_session_generate": (
        c_void_p,
        POINTER(GenerationInput),
        POINTER(GenerationOptions),
        POINTER(c_void_p),
    ),
    "vitc_generation_item": (c_void_p, c_int64, POINTER(Generated)),
}
_PLAIN = {
    "vitc_version": (c_char_p, ()),
    "vitc_runtime_destroy": (None, (c_void_p,)),
    "vitc_runtime_threads": (c_int32, (c_void_p,)),
    "vitc_model_destroy": (None, (c_void_p,)),
    "vitc_model_isa": (c_char_p, (c_void_p,)),
    "vitc_model_device": (c_char_p, (c_void_p,)),
    "vitc_model_num_inputs": (c_int32, (c_void_p,)),
    "vitc_model_num_outputs": (c_int32, (c_void_p,)),
    "vitc_model_num_entries": (c_int32, (c_void_p,)),
    "vitc_model_entry": (c_char_p, (c_void_p, c_int32)),
    "vitc_model_entry_num_inputs": (c_int32, (c_void_p, c_char_p)),
    "vitc_model_entry_num_outputs": (c_int32, (c_void_p, c_char_p)),
    "vitc_model_num_labels": (c_int32, (c_void_p,)),
    "vitc_model_num_attention_layers": (c_int32, (c_void_p,)),
    "vitc_model_label": (c_char_p, (c_void_p, c_int32)),
    "vitc_session_destroy": (None, (c_void_p,)),
    "vitc_generation_num_items": (c_int64, (c_void_p,)),
    "vitc_generation_destroy": (None, (c_void_p,)),
}


class Library:
    """A loaded model file. It stays mapped until the process ends, as ctypes never unloads."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = os.path.abspath(path)  # A bare name would be looked up in the system's folders.
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise FileError(f"{path}: cannot be loaded as a shared library: {reason}") from None
        try:
            for name, arguments in _STATUS.items():
                function = getattr(self._library, name)
                function.restype, function.argtypes = c_int32, (*arguments, POINTER(Error))
            for name, (result, arguments) in _PLAIN.items():
                function = getattr(self._library, name)
                function.restype, function.argtypes = result, arguments
            self.descriptor = ctypes.addressof(c_char.in_dll(self._library, "vitc_model_descriptor"))
        except (AttributeError, ValueError):
            raise FileError(f"{path}: not a model compiled by vitc; compile one with -o NAME.so") from None

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function that returns a status; raises the exception for any but VITC_OK."""
        error = Error()
        status = getattr(self._library, name)(*arguments, ctypes.byref(error))
        if status != 0:
            raise from_status(status, error.message.decode(errors="replace"))

    def get(self, name: str, *arguments: Any) -> Any:
        """Calls a function that cannot fail."""
        return getattr(self._library, name)(*arguments)

    def create(self, name: str, *arguments: Any) -> c_void_p:
        """Calls a function whose last argument is the new object."""
        created = c_void_p()
        self.call(name, *arguments, ctypes.byref(created))
        return created


def numpy_dtype(info: TensorInfo) -> np.dtype[Any]:
    """The numpy type of a model's input or output."""
    if info.dtype not in _DTYPES:
        raise UnsupportedError(f"'{info.name.decode()}' has element type code {info.dtype}, which numpy cannot hold")
    return _DTYPES[info.dtype]


def as_tensor(array: np.ndarray[Any, Any]) -> Tensor:
    """Describes a C-ordered array in place; the caller keeps it alive during the call."""
    if array.dtype not in _DTYPE_CODES:
        raise UnsupportedError(
            f"array has element type {array.dtype}; a numpy number type in native byte order is needed"
        )
    if array.ndim > MAX_RANK:
        raise UnsupportedError(f"array has {array.ndim} dimensions; at most {MAX_RANK} are possible")
    return Tensor(array.ctypes.data, _DTYPE_CODES[array.dtype], array.ndim, (c_int64 * MAX_RANK)(*array.shape))
