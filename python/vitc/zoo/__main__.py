# ===- __main__.py - python -m vitc.zoo ------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes a model of the zoo as a Hugging Face folder or as ONNX."""

from __future__ import annotations

import argparse
import pathlib
import sys

from vitc.zoo import parse, write_huggingface, write_onnx


def parse_batch(text: str) -> int | str:
    """A positive number or "dynamic"."""
    if text == "dynamic":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs a positive number or 'dynamic'")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vitc.zoo", description=__doc__)
    parser.add_argument("name", help="what follows zoo:, e.g. vit-b or vit?dim=192,heads=3")
    parser.add_argument("--onnx", type=pathlib.Path, metavar="FILE", help="write an ONNX model")
    parser.add_argument("--hf", type=pathlib.Path, metavar="DIR", help="write a Hugging Face folder")
    parser.add_argument("--batch", type=parse_batch, default="dynamic", help="of the ONNX model (default: dynamic)")
    options = parser.parse_args(argv)
    if not options.onnx and not options.hf:
        parser.error("neither --onnx nor --hf was given; one is needed")
    try:
        model = parse(options.name)
        if options.hf:
            write_huggingface(model, options.hf)
        if options.onnx:
            write_onnx(model, options.onnx, options.batch)
    except (ValueError, OSError) as error:
        print(f"zoo:{options.name.removeprefix('zoo:')}: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
