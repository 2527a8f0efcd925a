# ===- runtime.py - Run a compiled model on numpy arrays ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""A model file (.so) made by `vitc compile`, as a Python callable."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from vitc import _abi
from vitc.errors import InvalidArgumentError, UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = Union[Array, dict[str, Array]]


class TensorInfo(NamedTuple):
    """Name, element type and shape of an input or output; a dimension of -1 is the batch."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Attention(NamedTuple):
    """What CompiledModel.attention returns.

    Attributes:
        outputs: what calling the model returns, bit for bit.
        maps: float32 [batch, layers, heads, keys], probabilities; each row along the keys sums to 1. The query is the
            class token, or the mean over all queries for a model without one.
    """

    outputs: Outputs
    maps: Array


class CompiledModel:
    """A compiled model and its threads. Calls from several Python threads run one after the other.

    Attributes:
        inputs, outputs: in the model's order, by the source's names.
        labels: class names; empty when the source had none.
        isa: the code level that runs, e.g. "x86-64-v4".
        threads: number of threads that run it.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    labels: tuple[str, ...]
    isa: str
    threads: int

    def __init__(self, path: str | os.PathLike[str], *, threads: int = 0, isa: str | None = None) -> None:
        self._library = library = _abi.Library(path)
        self._lock = threading.Lock()
        self._session: ctypes.c_void_p | None = None
        self._max_batch = 0
        # Destroyed in the reverse order: sessions, then the model, then its runtime.
        self._objects: list[tuple[str, ctypes.c_void_p]] = []
        self._finalizer = weakref.finalize(self, _destroy, library, self._objects)

        runtime = library.create("vitc_runtime_create", threads)
        self._objects.append(("vitc_runtime_destroy", runtime))
        isa_name = None if isa is None else isa.encode()
        self._model = library.create("vitc_model_create", runtime, library.descriptor, isa_name)
        self._objects.append(("vitc_model_destroy", self._model))

        self.inputs = self._tensor_infos("input")
        self.outputs = self._tensor_infos("output")
        num_labels = library.get("vitc_model_num_labels", self._model)
        self.labels = tuple(library.get("vitc_model_label", self._model, i).decode() for i in range(num_labels))
        self.isa = library.get("vitc_model_isa", self._model).decode()
        self.threads = library.get("vitc_runtime_threads", runtime)

    def __call__(self, *arrays: Array, **named: Array) -> Outputs:
        """Runs the model.

        Args:
            arrays: the inputs in order, or one dict from input name to array; or by keyword. Element types and shapes
                must be those of `inputs`; nothing is converted. All batch dimensions must agree.
        Returns:
            A new array for a model with one output, otherwise a dict from output name to array.
        Raises:
            InvalidArgumentError: an input is missing, unknown, or has the wrong type or shape."""
        outputs, _ = self._run(self._ordered(arrays, named), with_maps=False)
        return outputs

    def attention(self, *arrays: Array, **named: Array) -> Attention:
        """As calling the model, and also returns its attention maps.

        Raises:
            UnsupportedError: the model has no attention maps."""
        outputs, maps = self._run(self._ordered(arrays, named), with_maps=True)
        assert maps is not None
        return Attention(outputs, maps)

    def read_image(self, path: str | os.PathLike[str]) -> Array:
        """Decodes and preprocesses a JPEG or PNG file as the model's own processor does.

        Returns:
            float32 [1, 3, height, width]: a batch of one for the model's picture input.
        Raises:
            FileError: the file is missing or not a picture. UnsupportedError: the model takes no picture."""
        for info in self.inputs:
            if len(info.shape) == 4:
                pixels = np.empty(info.shape[1:], np.float32)
                break
        else:
            names = ", ".join(f"'{info.name}' {list(info.shape)}" for info in self.inputs)
            raise UnsupportedError(f"model has the inputs {names}; a picture needs one of [B, C, H, W]")
        tensor = _abi.as_tensor(pixels)
        with self._lock:
            self._check_open()
            self._library.call("vitc_model_read_image", self._model, os.fsencode(path), ctypes.byref(tensor))
        return pixels[np.newaxis]

    def close(self) -> None:
        """Ends the threads and frees the memory; the model cannot be called afterwards."""
        with self._lock:
            self._finalizer()

    def __enter__(self) -> CompiledModel:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if not self._finalizer.alive:
            raise InvalidArgumentError("model is closed; an open one is needed")

    def _tensor_infos(self, kind: str) -> tuple[TensorInfo, ...]:
        count = self._library.get(f"vitc_model_num_{kind}s", self._model)
        return tuple(self._tensor_info(f"vitc_model_{kind}", index) for index in range(count))

    def _tensor_info(self, name: str, *index: int) -> TensorInfo:
        info = _abi.TensorInfo()
        self._library.call(name, self._model, *index, ctypes.byref(info))
        return TensorInfo(info.name.decode(), _abi.numpy_dtype(info), tuple(info.dims[: info.rank]))

    def _ordered(self, arrays: tuple[Any, ...], named: Mapping[str, Array]) -> list[Array]:
        """The inputs as C-ordered arrays in the model's order."""
        if len(arrays) == 1 and isinstance(arrays[0], Mapping):
            arrays, named = (), {**arrays[0], **named}
        if len(arrays) > len(self.inputs):
            raise InvalidArgumentError(f"{len(arrays)} arrays given; the model has {len(self.inputs)} inputs")
        values = dict(zip((info.name for info in self.inputs), arrays))
        for name in named:
            if name in values or name not in (info.name for info in self.inputs):
                needed = ", ".join(f"'{info.name}'" for info in self.inputs)
                state = "given twice" if name in values else "not an input"
                raise InvalidArgumentError(f"'{name}' is {state}; the inputs are {needed}")
        values.update(named)
        for info in self.inputs:
            if info.name not in values:
                raise InvalidArgumentError(f"input '{info.name}' is missing; its shape is {list(info.shape)}")
        return [np.require(values[info.name], requirements=["C", "ALIGNED"]) for info in self.inputs]

    def _batch(self, inputs: Sequence[Array]) -> int:
        """The batch size that the inputs have; the runtime checks the shapes themselves."""
        for info, array in zip(self.inputs, inputs):
            if -1 in info.shape and array.ndim == len(info.shape):
                return int(array.shape[info.shape.index(-1)])
        return 1

    def _run(self, inputs: list[Array], with_maps: bool) -> tuple[Outputs, Array | None]:
        batch = self._batch(inputs)
        with self._lock:
            self._check_open()
            maps_info = [self._tensor_info("vitc_model_attention")] if with_maps else []
            results = [
                np.empty([batch if dim == -1 else dim for dim in info.shape], info.dtype)
                for info in (*self.outputs, *maps_info)
            ]
            outputs = results[: len(self.outputs)]
            run = "vitc_session_run_attention" if with_maps else "vitc_session_run"
            tensors = [_tensor_list(inputs), _tensor_list(outputs)]
            if with_maps:
                tensors.append(_tensor_list(results[-1:]))
            self._library.call(run, self._session_for(batch), *tensors)
        maps = results[-1] if with_maps else None
        if len(outputs) == 1:
            return outputs[0], maps
        return {info.name: array for info, array in zip(self.outputs, outputs)}, maps

    def _session_for(self, batch: int) -> ctypes.c_void_p:
        """The session, made anew when the batch outgrows it."""
        if self._session is None or batch > self._max_batch:
            session = self._library.create("vitc_session_create", self._model, batch)
            if self._session is not None:
                self._objects.pop()
                self._library.get("vitc_session_destroy", self._session)
            self._objects.append(("vitc_session_destroy", session))
            self._session, self._max_batch = session, batch
        return self._session


def load(path: str | os.PathLike[str], *, threads: int = 0, isa: str | None = None) -> CompiledModel:
    """Loads a model that `vitc compile MODEL -o NAME.so` or `vitc.compile(output=...)` wrote.

    Args:
        path: the .so file. It must not be overwritten while it is loaded.
        threads: number of threads, the caller's included; 0: one for each core the process may use.
        isa: "x86-64-v2", "x86-64-v3", "x86-64-v4" or "native"; None: the best the machine has.
    Raises:
        FileError: not a file that vitc made. UnsupportedError: the file or the machine lacks that level, or a library
            that the code calls (oneDNN) is missing."""
    return CompiledModel(path, threads=threads, isa=isa)


def _tensor_list(arrays: Sequence[Array]) -> ctypes.Array[_abi.Tensor]:
    return (_abi.Tensor * len(arrays))(*(_abi.as_tensor(array) for array in arrays))


def _destroy(library: _abi.Library, objects: list[tuple[str, ctypes.c_void_p]]) -> None:
    while objects:
        library.get(*objects.pop())
