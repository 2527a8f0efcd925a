# ===- peers.py - Run an ONNX model in another runtime --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""One process of a peer: loads a model and runs it as `OUT --benchmark --json -` of vitc does.

    python peers.py onnxruntime MODEL.onnx --input X.npy --threads 1 --output Y.npy
    python peers.py openvino    MODEL.onnx --input X.npy --threads 1 --min-time 2

The first form writes the result of one run; the second prints the times of many as JSON. Both peers are pinned to f32:
OpenVINO would take bf16 on a CPU that has it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

# As in lib/Runtime/Program/Benchmark.cpp.
WARMUP_RUNS = 2
LEAST_RUNS = 3


class Loaded(NamedTuple):
    """A model that is ready to run, and what the runtime itself says it runs with."""

    run: Callable[[], np.ndarray]
    precision: str
    threads: int


def load_onnxruntime(model: Path, pixels: np.ndarray, threads: int) -> Loaded:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # vitc's threads flush denormals too.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    feeds = {source.name: pixels}
    return Loaded(
        lambda: session.run(None, feeds)[0],
        # It computes in the model's own type.
        precision="f32" if source.type == "tensor(float)" else source.type,
        threads=session.get_session_options().intra_op_num_threads,
    )


def load_openvino(model: Path, pixels: np.ndarray, threads: int) -> Loaded:
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request = compiled.create_infer_request()
    output = compiled.output(0)
    return Loaded(
        lambda: request.infer([pixels], share_inputs=True, share_outputs=True)[output],
        precision=compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
        threads=compiled.get_property("INFERENCE_NUM_THREADS"),
    )


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino}


def measure(run: Callable[[], np.ndarray], min_time: float) -> dict[str, float]:
    """Times of single runs until `min_time` seconds are over, in milliseconds."""
    for _ in range(WARMUP_RUNS):
        run()
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < LEAST_RUNS or time.perf_counter() - start < min_time:
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e3)
    times.sort()
    return {
        "median_ms": statistics.median(times),
        "min_ms": times[0],
        "p90_ms": times[math.ceil(0.9 * len(times)) - 1],
        "runs": len(times),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("peer", choices=LOADERS)
    parser.add_argument("model", type=Path)
    parser.add_argument("--input", type=Path, required=True, metavar="FILE.npy")
    parser.add_argument("--threads", type=int, required=True, metavar="N")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--output", type=Path, metavar="FILE.npy")
    form.add_argument("--min-time", type=float, metavar="S")
    options = parser.parse_args()
    pixels = np.load(options.input)
    loaded = LOADERS[options.peer](options.model, pixels, options.threads)
    if options.output:
        np.save(options.output, loaded.run())
    else:
        ran_with = {"precision": loaded.precision, "threads": loaded.threads, "batch": len(pixels)}
        print(json.dumps({**measure(loaded.run, options.min_time), **ran_with}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
