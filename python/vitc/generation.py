# ===- generation.py - Text in, tokens and text out -----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What a model that generates tokens takes and gives, between numpy and the C ABI."""

from __future__ import annotations

import ctypes
import math
import numbers
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vitc import _abi
from vitc.errors import InvalidArgumentError

if TYPE_CHECKING:
    from vitc.runtime import Entry

Array = np.ndarray[Any, np.dtype[Any]]


class Generated(NamedTuple):
    """What was generated for one item.

    Attributes:
        tokens: int64 [tokens], behind the prompt, without the end token.
        score: the sum of the log probabilities, the end token's included, divided by the length to the power of the
            length penalty.
        token_scores: float32 [tokens], the log probability of each.
        text: None for a model without a tokenizer.
        attention: float32 [tokens, keys], how much each key of the source counted for each token, the mean over
            layers and heads; None unless it was asked for.
    """

    tokens: Array
    score: float
    token_scores: Array
    text: str | None
    attention: Array | None


class TextReader:
    """The tokenizer of a model. Raises UnsupportedError for a model without one."""

    def __init__(self, library: _abi.Library, model: ctypes.c_void_p) -> None:
        self._library, self._model = library, model
        self._info = _abi.TextInfo()
        library.call("vitc_model_text", model, ctypes.byref(self._info))
        self.is_prompt = bool(self._info.is_prompt)

    def tokenize(self, text: str) -> tuple[Array, Array, Array]:
        """Tokens of one text, 1 for each that is no padding, and the number of the text they are of."""
        if "\0" in text:
            raise InvalidArgumentError(f"text has a NUL at {text.index(chr(0))}; text without one is needed")
        rows = np.zeros((3, self._info.max_length), np.int64)
        count = ctypes.c_int64()
        pointers = (row.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)) for row in rows)
        self._library.call("vitc_model_tokenize", self._model, text.encode(), *pointers, ctypes.byref(count))
        ids, mask, types = rows[:, : count.value]
        return ids, mask, types

    def read(self, texts: Sequence[str], entry: Entry) -> dict[str, Array]:
        """The inputs of `entry` that these texts are, one an item."""
        rows = [self.tokenize(text) for text in texts]
        dtypes = {info.name: info.dtype for info in entry.inputs}
        names = (self._info.ids, self._info.mask, self._info.types)
        return {
            name.decode(): np.stack([row[part] for row in rows]).astype(dtypes[name.decode()])
            for part, name in enumerate(names)
            if name is not None
        }


def choose_options(library: _abi.Library, model: ctypes.c_void_p, **chosen: Any) -> _abi.GenerationOptions:
    """The model's own options but for those that are not None."""
    options = _abi.GenerationOptions()
    library.call("vitc_model_generation_options", model, ctypes.byref(options))
    early_stopping = chosen.pop("early_stopping")
    if early_stopping is not None:
        if early_stopping not in _abi.EARLY_STOPPING:
            raise InvalidArgumentError(f"early_stopping is {early_stopping!r}; False, True or 'never' is needed")
        options.early_stopping = _abi.EARLY_STOPPING[early_stopping]
    for name, value in chosen.items():
        if value is not None:
            _set_number(options, name, value)
    return options


def _set_number(options: _abi.GenerationOptions, name: str, value: Any) -> None:
    """Sets a field; ctypes would cut off what does not fit."""
    kind = dict(options._fields_)[name]
    if kind is ctypes.c_double:
        if not isinstance(value, numbers.Real):
            raise InvalidArgumentError(f"{name} is {value!r}; a number is needed")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf  # Which the runtime refuses.
        setattr(options, name, number)
        return
    if not isinstance(value, numbers.Integral):
        raise InvalidArgumentError(f"{name} is {value!r}; an integer is needed")
    bits = 8 * ctypes.sizeof(kind)
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise InvalidArgumentError(f"{name} is {value}; an integer of {bits} bits is needed")
    setattr(options, name, int(value))


def read_prompt(prompt: Sequence[int] | Array | None) -> Array:
    """The tokens as int64 [tokens], one behind the other in memory."""
    if prompt is None:
        return np.empty(0, np.int64)
    try:
        tokens = np.asarray(prompt)
    except ValueError:  # Lists of unequal lengths.
        raise InvalidArgumentError("prompt is no array; integers [tokens] are needed") from None
    if tokens.size == 0 and tokens.ndim == 1:
        return np.empty(0, np.int64)
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"prompt is {tokens.dtype} of shape {list(tokens.shape)}; integers [tokens] are needed"
        )
    return np.ascontiguousarray(tokens, np.int64)


def make_input(
    tensors: ctypes.Array[_abi.Tensor] | None,
    prompt: Array,
    attention: bool,
    on_token: Callable[[int], object] | None,
) -> _abi.GenerationInput:
    """What the C ABI takes; it keeps what it points to alive, but for the arrays themselves."""

    def tell(_: object, token: int) -> None:
        if on_token is not None:
            on_token(token)

    callback = _abi.TokenFn() if on_token is None else _abi.TokenFn(tell)
    return _abi.GenerationInput(
        tensors,
        prompt.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)),
        len(prompt),
        int(attention),
        callback,
        None,
    )


def collect(library: _abi.Library, generation: ctypes.c_void_p) -> list[Generated]:
    """Copies what was generated."""
    results = []
    for index in range(library.get("vitc_generation_num_items", generation)):
        item = _abi.Generated()
        library.call("vitc_generation_item", generation, index, ctypes.byref(item))
        count = item.num_tokens
        maps = None
        if item.num_keys:
            maps = _copy(item.attention, (count, item.num_keys), np.float32)
        results.append(
            Generated(
                _copy(item.tokens, (count,), np.int64),
                item.score,
                _copy(item.token_scores, (count,), np.float32),
                None if item.text is None else item.text.decode(),
                maps,
            )
        )
    return results


def _copy(pointer: Any, shape: tuple[int, ...], dtype: type) -> Array:
    if 0 in shape:  # Of nothing the pointer may be null.
        return np.empty(shape, dtype)
    return np.ctypeslib.as_array(pointer, shape).astype(dtype, copy=True)
