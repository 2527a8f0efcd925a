# ===- torch_peer.py - A process that times PyTorch ------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Answers lines of JSON on stdin with lines of JSON on stdout, until stdin ends.

    {"do": "versions"}                                      {"torch": ..., "cuda": ...}
    {"do": "ceilings"}                                      {"flops_per_second": ..., "bytes_per_second": ...}
    {"do": "model", "name": ..., "batch": ...}              {"median_ms": ...}; compiled at the first time
    {"do": "product", "rows": M, "outputs": N, "inputs": K} {"median_ms": ...}

Models run in bf16 under torch.compile(mode="max-autotune"), products as torch.matmul on bf16. What does not work is
answered with {"error": ...}. Times are medians of events on the GPU.
"""

from __future__ import annotations

import json
import os
import statistics
import sys

import torch

import torch_models

WARMUP, RUNS = 5, 30
# Products that together take so many bytes do not stay in L2 from one run to the next.
ROTATED_BYTES, MOST_ROTATED = 256 << 20, 16
CEILING_SIZE, CEILING_BYTES = 8192, 2 << 30


def time_runs(run) -> float:
    """Milliseconds, the median of RUNS."""
    for i in range(WARMUP):
        run(i)
    times = []
    for i in range(RUNS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run(i)
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def make_random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, device="cuda", dtype=torch.bfloat16)


def time_product(rows: int, outputs: int, inputs: int) -> float:
    """By weights [outputs, inputs], as nn.Linear has them."""
    number = ROTATED_BYTES // (2 * (rows * inputs + inputs * outputs + rows * outputs)) + 1
    number = min(number, MOST_ROTATED)
    left = [make_random(rows, inputs) for _ in range(number)]
    right = [make_random(outputs, inputs) for _ in range(number)]
    result = torch.empty(rows, outputs, device="cuda", dtype=torch.bfloat16)
    graphs = []
    torch.matmul(left[0], right[0].t(), out=result)  # loads what a capture must not
    torch.cuda.synchronize()
    for i in range(number):
        graphs.append(torch.cuda.CUDAGraph())
        with torch.cuda.graph(graphs[-1]):
            torch.matmul(left[i], right[i].t(), out=result)
    return time_runs(lambda i: graphs[i % number].replay())


def measure_ceilings() -> dict:
    milliseconds = time_product(CEILING_SIZE, CEILING_SIZE, CEILING_SIZE)
    source = torch.empty(CEILING_BYTES, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(source)
    copied = time_runs(lambda _: target.copy_(source))
    return {
        "flops_per_second": 2 * CEILING_SIZE**3 / milliseconds * 1e3,
        "bytes_per_second": 2 * CEILING_BYTES / copied * 1e3,
    }


class Models:
    """Compiled models; the last one is kept, as its memory may be large."""

    def __init__(self) -> None:
        self.key: tuple[str, int] | None = None
        self.run = None

    def time(self, name: str, batch: int) -> float:
        if self.key != (name, batch):
            self.key, self.run = None, None
            torch.compiler.reset()
            torch.cuda.empty_cache()
            model = torch_models.build(name).to("cuda", torch.bfloat16)
            compiled = torch.compile(model, mode="max-autotune")
            pixels = make_random(batch, 3, torch_models.IMAGE, torch_models.IMAGE)
            self.key, self.run = (name, batch), lambda _: compiled(pixels)
        return time_runs(self.run)


def answer(request: dict, models: Models) -> dict:
    if request["do"] == "versions":
        return {"torch": torch.__version__, "cuda": torch.version.cuda}
    if request["do"] == "ceilings":
        return measure_ceilings()
    if request["do"] == "model":
        return {"median_ms": models.time(request["name"], request["batch"])}
    return {"median_ms": time_product(request["rows"], request["outputs"], request["inputs"])}


def main() -> int:
    # What compilers print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    models = Models()
    for line in sys.stdin:
        try:
            with torch.inference_mode():
                reply = answer(json.loads(line), models)
        except Exception as error:
            text = str(error).strip().splitlines()
            reply = {"error": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
        print(json.dumps(reply), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
