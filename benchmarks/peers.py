# ===- peers.py - Run an ONNX model in another runtime --------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""One process of a peer: loads a model and runs it as `OUT --benchmark --json -` of vitc does.

    python peers.py onnxruntime MODEL.onnx --input x=X.npy --threads 1 --output-dir DIR
    python peers.py openvino    MODEL.onnx --input x=X.npy --threads 1 --min-time 2
    python peers.py openvino    MODEL.onnx --input x=X.npy --threads 1 --import-only

The first form writes the results of one run, DIR/0.npy and so on in the order of the model's outputs; the second prints
the times of many as JSON; the third ends where the model would be loaded, so that it takes what Python takes.

Both peers are pinned to f32: OpenVINO would take bf16 on a CPU that has it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

# Enough for what is allocated and paged in once; vitc's programs run as many.
WARMUP_RUNS = 1

Arrays = dict[str, np.ndarray]


class Loaded(NamedTuple):
    """A model that is ready to run, and what the runtime itself says it runs with."""

    run: Callable[[], list[np.ndarray]]
    precision: str
    threads: int


def load_onnxruntime(model: Path, feeds: Arrays, threads: int) -> Loaded:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # vitc's threads flush denormals too.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # It computes in the model's own type.
    floats = {source.type for source in session.get_inputs() if "float" in source.type} or {"tensor(float)"}
    return Loaded(
        lambda: session.run(None, feeds),
        precision="f32" if floats == {"tensor(float)"} else ", ".join(sorted(floats)),
        threads=session.get_session_options().intra_op_num_threads,
    )


def load_openvino(model: Path, feeds: Arrays, threads: int) -> Loaded:
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
    outputs = compiled.outputs

    def run() -> list[np.ndarray]:
        results = request.infer(feeds, share_inputs=True, share_outputs=True)
        return [results[output] for output in outputs]

    return Loaded(
        run,
        precision=compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
        threads=compiled.get_property("INFERENCE_NUM_THREADS"),
    )


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino}


def measure(run: Callable[[], object], min_time: float) -> dict[str, float]:
    """Times of single runs until `min_time` seconds are over, in milliseconds; one run at least."""
    for _ in range(WARMUP_RUNS):
        run()
    times: list[float] = []
    start = time.perf_counter()
    while not times or time.perf_counter() - start < min_time:
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


def parse_input(text: str) -> tuple[str, Path]:
    name, separator, path = text.rpartition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs NAME=FILE.npy")
    return name, Path(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("peer", choices=LOADERS)
    parser.add_argument("model", type=Path)
    parser.add_argument("--input", type=parse_input, action="append", required=True, metavar="NAME=FILE.npy")
    parser.add_argument("--threads", type=int, required=True, metavar="N")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--output-dir", type=Path, metavar="DIR")
    form.add_argument("--min-time", type=float, metavar="S")
    form.add_argument("--import-only", action="store_true")
    options = parser.parse_args()
    feeds = {name: np.load(path) for name, path in options.input}
    if options.import_only:
        importlib.import_module(options.peer)
        return 0
    loaded = LOADERS[options.peer](options.model, feeds, options.threads)
    if options.output_dir:
        for number, value in enumerate(loaded.run()):
            np.save(options.output_dir / f"{number}.npy", value)
    else:
        batch = len(next(iter(feeds.values())))
        ran_with = {"precision": loaded.precision, "threads": loaded.threads, "batch": batch}
        print(json.dumps({**measure(loaded.run, options.min_time), **ran_with}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
