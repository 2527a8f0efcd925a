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
import operator
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from vitc import _abi, generation
from vitc.errors import InvalidArgumentError, UnsupportedError
from vitc.generation import Generated

_MAX_NUMBER = 2**31 - 1

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = Union[Array, dict[str, Array]]


class TensorInfo(NamedTuple):
    """Name, element type and shape of an input or output; a dimension of -1 is the batch."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Entry(NamedTuple):
    """One way into a model, such as "forward", or "text" of one that ranks texts for pictures."""

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


class AttentionLayer(NamedTuple):
    """An attention layer whose probabilities a compiled model can give.

    Attributes:
        name: the source's; `number` counts all its attention layers from 0.
        windows: of an image; 1 where attention is global.
        tokens: how many tokens the keys are projections of (Linformer), or as many as keys.
        projection: which projection that is, -1: none.
        class_token: whether query 0 is the class token.
    """

    name: str
    number: int
    windows: int
    heads: int
    queries: int
    keys: int
    projection: int
    tokens: int
    class_token: bool


class Attention(NamedTuple):
    """What CompiledModel.attention returns.

    Attributes:
        outputs: what calling the model returns, bit for bit.
        maps: by layer number, float32 [batch, windows, heads, queries asked for, keys], probabilities; each row along
            the keys sums to 1.
        projections: by layer number where keys are projections of tokens, float32 [keys, tokens].
    """

    outputs: Outputs
    maps: dict[int, Array]
    projections: dict[int, Array]


class _Lock:
    """One thread at a time; a thread that has it already, in what `on_token` calls, would wait for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        if self._owner == threading.get_ident():
            raise InvalidArgumentError("the model is called from on_token; another loaded model is needed for that")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *exception: object) -> None:
        self._owner = None
        self._lock.release()


class CompiledModel:
    """A compiled model and its threads. Calls from several Python threads run one after the other.

    Attributes:
        inputs, outputs: in the model's order, by the source's names; of the entry that calling the model runs.
        entries: all entries by name, for `run`.
        labels: class names; empty when the source had none.
        attention_layers: the layers whose probabilities `attention` returns.
        isa: the code level that runs, e.g. "x86-64-v4"; of a GPU, e.g. "sm_90a".
        device: the name of the GPU that runs it; None: it runs on the CPU.
        threads: number of threads that run it.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    entries: dict[str, Entry]
    labels: tuple[str, ...]
    attention_layers: tuple[AttentionLayer, ...]
    isa: str
    device: str | None
    threads: int

    def __init__(
        self, path: str | os.PathLike[str], *, threads: int = 0, isa: str | None = None, device: int | None = None
    ) -> None:
        threads = _number("threads", threads)
        device = None if device is None else _number("device", device)
        self._library = library = _abi.Library(path)
        self._lock = _Lock()
        self._session: ctypes.c_void_p | None = None
        self._max_batch = 0
        # Destroyed in the reverse order: sessions, then the model, then its runtime.
        self._objects: list[tuple[str, ctypes.c_void_p]] = []
        self._finalizer = weakref.finalize(self, _destroy, library, self._objects)

        runtime = library.create("vitc_runtime_create", threads)
        self._objects.append(("vitc_runtime_destroy", runtime))
        isa_name = None if isa is None else isa.encode()
        given = (runtime, library.descriptor, isa_name)
        if device is None:
            self._model = library.create("vitc_model_create", *given)
        else:
            self._model = library.create("vitc_model_create_on_device", *given, device)
        self._objects.append(("vitc_model_destroy", self._model))

        num_entries = library.get("vitc_model_num_entries", self._model)
        names = [library.get("vitc_model_entry", self._model, index) for index in range(num_entries)]
        self.entries = {name.decode(): self._entry(name) for name in names}
        self._main = next(iter(self.entries.values()))
        self.inputs, self.outputs = self._main.inputs, self._main.outputs
        num_labels = library.get("vitc_model_num_labels", self._model)
        self.labels = tuple(library.get("vitc_model_label", self._model, i).decode() for i in range(num_labels))
        num_layers = library.get("vitc_model_num_attention_layers", self._model)
        self.attention_layers = tuple(self._attention_layer(index) for index in range(num_layers))
        self.isa = library.get("vitc_model_isa", self._model).decode()
        device_name = library.get("vitc_model_device", self._model)
        self.device = None if device_name is None else device_name.decode(errors="replace")
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
        return self.run(self._main.name, *arrays, **named)

    def run(self, entry: str, /, *arrays: Array, **named: Array) -> Outputs:
        """Runs the entry of that name, as calling the model runs the first of `entries`.

        Raises:
            InvalidArgumentError: there is no such entry, or as when the model is called."""
        if entry not in self.entries:
            raise InvalidArgumentError(f"entry is '{entry}'; the model has {', '.join(self.entries)}")
        chosen = self.entries[entry]
        inputs = _ordered(chosen, arrays, named)
        batch = _batch(chosen, inputs)
        results = _empty_outputs(chosen, batch)
        with self._lock:
            self._check_open()
            self._library.call(
                "vitc_session_run_entry",
                self._session_for(batch),
                entry.encode(),
                _tensor_list(inputs),
                _tensor_list(results),
            )
        return _named(chosen, results)

    def attention(
        self,
        *arrays: Array,
        layers: Sequence[int] | None = None,
        queries: int | tuple[int, int] | str | None = None,
        **named: Array,
    ) -> Attention:
        """As calling the model, and also returns the attention probabilities of some queries.

        Args:
            layers: numbers of `attention_layers`; None: all. The others are skipped.
            queries: the index of a query, (first, count), "all" or "mean"; None: the class token, or the mean over
                queries for a layer without one. In windows, of each window.
        Raises:
            UnsupportedError: the model has no attention layers, or not this one; or it generates tokens: `generate`
                tells what those attend to.
            InvalidArgumentError: as when the model is called, or a layer has no such query."""
        if "step" in self.entries:
            raise UnsupportedError("the model generates tokens; their attention needs generate(attention=True)")
        known = {layer.number: index for index, layer in enumerate(self.attention_layers)}
        wanted = list(known if layers is None else layers)
        for number in wanted:
            if number not in known:
                raise UnsupportedError(f"attention layer {number} is not compiled in; the model has {list(known)}")
        inputs = _ordered(self._main, arrays, named)
        batch = _batch(self._main, inputs)
        results = _empty_outputs(self._main, batch)
        selections, maps = [], []
        for layer in self.attention_layers:
            first, count = _selection(queries, layer) if layer.number in wanted else (0, 0)
            selections.append(_abi.Selection(first, count))
            maps.append(np.empty((batch, layer.windows, layer.heads, max(count, 0), layer.keys), np.float32))
        projected = {layer.projection: layer for layer in self.attention_layers if layer.projection >= 0}
        matrices = {index: np.empty((layer.keys, layer.tokens), np.float32) for index, layer in projected.items()}
        with self._lock:
            self._check_open()
            self._library.call(
                "vitc_session_run_attention",
                self._session_for(batch),
                _tensor_list(inputs),
                _tensor_list(results),
                (_abi.Selection * len(selections))(*selections),
                _tensor_list([*maps, *(matrices[index] for index in sorted(matrices))]),
            )
        shown = [self.attention_layers[known[number]] for number in wanted]
        return Attention(
            _named(self._main, results),
            {layer.number: maps[known[layer.number]] for layer in shown},
            {layer.number: matrices[layer.projection] for layer in shown if layer.projection >= 0},
        )

    def generate(
        self,
        *arrays: Array,
        text: str | Sequence[str] | None = None,
        prompt: Sequence[int] | None = None,
        beams: int | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        length_penalty: float | None = None,
        early_stopping: bool | str | None = None,
        attention: bool = False,
        on_token: Callable[[int], object] | None = None,
        **named: Array,
    ) -> list[Generated]:
        """Generates tokens for each item of a batch: captions, translations, answers.

        Args:
            arrays, named: the inputs, as when the model is called; none for a model that only goes on from a prompt.
            text: in place of the inputs that text becomes, one an item; or what generation goes on from, one for all.
            prompt: integers [tokens] of the vocabulary that generation goes on from, for all items.
            beams, min_length, max_length, length_penalty, early_stopping: as transformers' generate() has them, in
                tokens with those that generation starts with; None: the model's own.
            attention: also return where each token looked.
            on_token: called with each token of the only item when it is certain; what it raises is not passed on.
        Raises:
            UnsupportedError: the model generates nothing, has no tokenizer for `text`, or no attention maps.
            InvalidArgumentError: as when the model is called, or an option is out of range."""
        options = generation.choose_options(
            self._library,
            self._model,
            beams=beams,
            min_length=min_length,
            max_length=max_length,
            length_penalty=length_penalty,
            early_stopping=early_stopping,
        )
        tokens = generation.read_prompt(prompt)
        if text is not None:
            reader = generation.TextReader(self._library, self._model)
            if not reader.is_prompt:
                named = {**named, **reader.read([text] if isinstance(text, str) else text, self._main)}
            elif prompt is not None or not isinstance(text, str):
                raise InvalidArgumentError("text is what the model goes on from; one text without a prompt is needed")
            else:
                tokens = np.ascontiguousarray(reader.tokenize(text)[0])
        inputs, items = [], 1
        if self._main.name != "step":
            inputs = _ordered(self._main, arrays, named)
            items = max([_batch(self._main, inputs), *(array.shape[0] for array in inputs[:1] if array.ndim > 0)])
        elif arrays or named:
            raise InvalidArgumentError("inputs are given; the model generates from a prompt or a text alone")
        given = generation.make_input(_tensor_list(inputs), tokens, attention, on_token)
        with self._lock:
            self._check_open()
            generated = self._library.create(
                "vitc_session_generate",
                self._session_for(items * max(options.beams, 1)),
                ctypes.byref(given),
                ctypes.byref(options),
            )
        try:
            return generation.collect(self._library, generated)
        finally:
            self._library.get("vitc_generation_destroy", generated)

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

    def _entry(self, name: bytes) -> Entry:
        tensors = (
            tuple(
                self._tensor_info(f"vitc_model_entry_{kind}", name, index)
                for index in range(self._library.get(f"vitc_model_entry_num_{kind}s", self._model, name))
            )
            for kind in ("input", "output")
        )
        return Entry(name.decode(), *tensors)

    def _tensor_info(self, function: str, entry: bytes, index: int) -> TensorInfo:
        info = _abi.TensorInfo()
        self._library.call(function, self._model, entry, index, ctypes.byref(info))
        return TensorInfo(info.name.decode(), _abi.numpy_dtype(info), tuple(info.dims[: info.rank]))

    def _attention_layer(self, index: int) -> AttentionLayer:
        layer = _abi.AttentionLayer()
        self._library.call("vitc_model_attention_layer", self._model, index, ctypes.byref(layer))
        values = {name: getattr(layer, name) for name, _ in layer._fields_}
        return AttentionLayer(**{**values, "name": layer.name.decode(), "class_token": bool(layer.class_token)})

    def _session_for(self, batch: int) -> ctypes.c_void_p:
        """The session, made anew when the batch outgrows it."""
        if self._session is None or batch > self._max_batch:
            if self.device is not None:  # A GPU may have no room for both.
                self._end_session()
            session = self._library.create("vitc_session_create", self._model, batch)
            self._end_session()
            self._objects.append(("vitc_session_destroy", session))
            self._session, self._max_batch = session, batch
        return self._session

    def _end_session(self) -> None:
        if self._session is not None:
            self._session = None
            self._library.get(*self._objects.pop())


def load(
    path: str | os.PathLike[str], *, threads: int = 0, isa: str | None = None, device: int | None = None
) -> CompiledModel:
    """Loads a model that `vitc compile MODEL -o NAME.so` or `vitc.compile(output=...)` wrote.

    Args:
        path: the .so file. It must not be overwritten while it is loaded.
        threads: number of threads, the caller's included; 0: one for each core the process may use.
        isa: "x86-64-v2", "x86-64-v3", "x86-64-v4" or "native"; of a model for GPUs "sm_80" or the like; None: the best
            the machine has.
        device: the number of the GPU to run on, from 0, for a model that was compiled for GPUs; None: the first.
    Raises:
        FileError: not a file that vitc made. UnsupportedError: the file or the machine lacks that level, or a library
            that the code calls (oneDNN) is missing, or a model for GPUs finds none. InvalidArgumentError: `device` is
            given for a model that was compiled for a CPU, or a number is not one from 0 to 2147483647."""
    return CompiledModel(path, threads=threads, isa=isa, device=device)


def _number(name: str, value: int) -> int:
    """One that the C interface can hold."""
    if not 0 <= value <= _MAX_NUMBER:
        raise InvalidArgumentError(f"{name} is {value}; an integer from 0 to {_MAX_NUMBER} is needed")
    return operator.index(value)


def _ordered(entry: Entry, arrays: tuple[Any, ...], named: Mapping[str, Array]) -> list[Array]:
    """The inputs as C-ordered arrays in the entry's order."""
    if len(arrays) == 1 and isinstance(arrays[0], Mapping):
        arrays, named = (), {**arrays[0], **named}
    if len(arrays) > len(entry.inputs):
        raise InvalidArgumentError(f"{len(arrays)} arrays given; the model has {len(entry.inputs)} inputs")
    values = dict(zip((info.name for info in entry.inputs), arrays))
    for name in named:
        if name in values or name not in (info.name for info in entry.inputs):
            needed = ", ".join(f"'{info.name}'" for info in entry.inputs)
            state = "given twice" if name in values else "not an input"
            raise InvalidArgumentError(f"'{name}' is {state}; the inputs are {needed}")
    values.update(named)
    for info in entry.inputs:
        if info.name not in values:
            raise InvalidArgumentError(f"input '{info.name}' is missing; its shape is {list(info.shape)}")
    if entry.name == "step":  # States are updated where they lie.
        for name, array in values.items():
            if not isinstance(array, np.ndarray) or not array.flags.carray:
                raise InvalidArgumentError(
                    f"input '{name}' may be a state, which is updated; it needs a writable array"
                )
    return [np.require(values[info.name], requirements=["C", "ALIGNED"]) for info in entry.inputs]


def _batch(entry: Entry, inputs: Sequence[Array]) -> int:
    """The batch size that the inputs have; the runtime checks the shapes themselves."""
    for info, array in zip(entry.inputs, inputs):
        if -1 in info.shape and array.ndim == len(info.shape):
            return int(array.shape[info.shape.index(-1)])
    return 1


def _empty_outputs(entry: Entry, batch: int) -> list[Array]:
    return [np.empty([batch if dim == -1 else dim for dim in info.shape], info.dtype) for info in entry.outputs]


def _named(entry: Entry, outputs: list[Array]) -> Outputs:
    if len(outputs) == 1:
        return outputs[0]
    return {info.name: array for info, array in zip(entry.outputs, outputs)}


def _selection(queries: int | tuple[int, int] | str | None, layer: AttentionLayer) -> tuple[int, int]:
    """The first query that `queries` asks for, and how many."""
    if queries is None:
        queries = 0 if layer.class_token else "mean"
    if queries == "mean":
        return _abi.MEAN_QUERIES, 1
    if queries == "all":
        return 0, layer.queries
    if isinstance(queries, str):
        raise InvalidArgumentError(f"queries is '{queries}'; an index, (first, count), 'all' or 'mean' is needed")
    first, count = (queries, 1) if isinstance(queries, int) else queries
    if not 0 <= first <= first + count <= layer.queries or count < 1:
        raise InvalidArgumentError(
            f"queries {first} to {first + count - 1} are asked for; layer {layer.number} has {layer.queries}"
        )
    return first, count


def _tensor_list(arrays: Sequence[Array]) -> ctypes.Array[_abi.Tensor]:
    return (_abi.Tensor * len(arrays))(*(_abi.as_tensor(array) for array in arrays))


def _destroy(library: _abi.Library, objects: list[tuple[str, ctypes.c_void_p]]) -> None:
    while objects:
        library.get(*objects.pop())
