# ===- trained.py - Trained models beside PyTorch's answers ---------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Runs the trained examples on the 413 held-out photos and compares with PyTorch.

Prints for each model and backend how many photos are right, how many get another answer than PyTorch's, and the largest
error over the largest logit; exit code 1 when an answer differs or an error is above --tolerance.

    python benchmarks/trained.py --backends llvm onednn
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from accuracy import compare, run

REPO = Path(__file__).resolve().parents[1]
EXAMPLES = REPO / "examples" / "signdigits"
PHOTOS = REPO / "test" / "Python" / "data" / "signdigits_test.npz"
MODELS = {
    "vit": (EXAMPLES / "model", PHOTOS),
    "swin": (EXAMPLES / "swin", EXAMPLES / "swin" / "expected.npz"),
    "linformer": (EXAMPLES / "linformer" / "linformer.onnx", EXAMPLES / "linformer" / "expected.npz"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}; default: all")
    parser.add_argument("--vitc", default="build/bin/vitc")
    parser.add_argument("--backends", nargs="+", default=["llvm"], metavar="BACKEND")
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MODELS]
    if unknown:
        parser.error(f"no trained model is named '{unknown[0]}'; there are {', '.join(MODELS)}")

    with np.load(PHOTOS) as photos:
        pixels = ((photos["x"].astype(np.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2).copy()
        labels = photos["y"]
    passed = True
    for name in arguments.names or MODELS:
        model, reference = MODELS[name]
        with np.load(reference) as data:
            expected = data["logits"]
        for backend in arguments.backends:
            options = [f"--backend={backend}", f"--precision={arguments.precision}"]
            actual = run(arguments.vitc, model, {"pixel_values": pixels}, options)
            error = compare(actual, [expected])
            right = np.count_nonzero(actual[0].argmax(1) == labels)
            others = np.count_nonzero(actual[0].argmax(1) != expected.argmax(1))
            passed = passed and others == 0 and error <= arguments.tolerance
            print(
                f"{name:10} {backend:7} {arguments.precision:5} {right} of {len(labels)} right, "
                f"{others} other answers, error {error:.1e} of {np.abs(expected).max():.3g}"
            )
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
