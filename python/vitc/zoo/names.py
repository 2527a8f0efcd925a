# ===- names.py - Names and keys of the zoo --------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""What may follow `zoo:`, with the same names and keys as in vitc."""

from __future__ import annotations

from vitc.zoo.models import LINFORMERS, SWINS, VITS, Linformer, Model, Swin, Vit


def _make(base: str) -> Model:
    if base in VITS:
        return Vit(**VITS[base])
    if base in SWINS:
        return Swin(**SWINS[base])
    if base in LINFORMERS:
        return Linformer(**LINFORMERS[base])
    raise ValueError(f"model '{base}' is not one of {', '.join([*VITS, *SWINS, *LINFORMERS])}")


def _convert(key: str, value: str, default: object) -> object:
    """The value as the type of the default."""
    if isinstance(default, bool):
        if value not in ("true", "false"):
            raise ValueError(f"{key} = '{value}'; it needs true or false")
        return value == "true"
    if isinstance(default, float):
        return float(value)
    if isinstance(default, str):
        return value
    items = value.split("-") if isinstance(default, tuple) else [value]
    if any(not item.isdecimal() or (key != "seed" and int(item) < 1) for item in items):
        raise ValueError(f"{key} = '{value}'; it needs positive integers")
    numbers = tuple(int(item) for item in items)
    return numbers if isinstance(default, tuple) else numbers[0]


def parse(name: str) -> Model:
    """Parses `NAME[?KEY=VALUE,...]`, with or without `zoo:` before it.

    Raises:
        ValueError: an unknown model or key, or a value that does not fit.
    """
    base, _, parameters = name.removeprefix("zoo:").partition("?")
    model = _make(base)
    for item in filter(None, parameters.split(",")):
        key, _, value = item.partition("=")
        if key not in model.keys:
            raise ValueError(f"key '{key}' is not one of {', '.join(model.keys)}")
        field = key.replace("-", "_")
        setattr(model, field, _convert(key, value, getattr(model, field)))
    model.finish()
    return model
