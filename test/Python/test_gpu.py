# ===- test_gpu.py - Whole models on an emulated GPU ----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Programs compiled for sm_80, unchanged, against the models' references and the CPU's program.

The largest error is 1e-4 of the largest reference, and the top class is that of the CPU. Several seeds run blocks and
threads in other orders.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import test_generation
import test_loops

from gpu import GpuProgram, assert_close, compile_gpu, load_outputs, needs_emulator, save_inputs
from harness import EXAMPLES, SIGNDIGITS, VITC, Photos, run_ok

pytestmark = needs_emulator

SEEDS = (0, 1, 2)
# Loops that run on the host, two of them until what the GPU computes ends them.
LOOPS = ["lstm_both_ways", "loop_ends_when_computed", "loop_fills_positions", "scan_in_branches"]
DECODERS = ["GPT2LMHeadModel", "ViT-GPT2", "T5ForConditionalGeneration"]


@pytest.fixture(scope="module")
def compile_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., GpuProgram]:
    @cache
    def compile_model(source: Path, *options: str, target: str = "sm_80") -> GpuProgram:
        return compile_gpu(source, tmp_path_factory.mktemp("gpu"), *options, targets=[target])

    return compile_model


def reference_logits(name: str, photos: Photos) -> np.ndarray:
    if name == "vit":
        return photos.logits
    with np.load(SIGNDIGITS / name / "expected.npz") as data:
        return data["logits"]


def input_name(program: GpuProgram) -> str:
    return json.loads(run_ok(program.path, "--info", "--json"))["inputs"][0]["name"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_trained_models(name: str, photos: Photos, compile_once: Callable[..., GpuProgram], tmp_path: Path) -> None:
    """At batch 1 and 7; on photos that the CPU puts in the same classes."""
    program = compile_once(EXAMPLES[name], "--batch=dynamic")
    pixels, expected = photos.pixels[:7], reference_logits(name, photos)[:7]
    key = input_name(program)
    run_ok(VITC, "compile", EXAMPLES[name], "-o", tmp_path / "cpu", "--march=native", "--batch=dynamic")
    np.save(tmp_path / "pixels.npy", pixels)
    run_ok(tmp_path / "cpu", "--input", tmp_path / "pixels.npy", "--output-dir", tmp_path / "cpu_outputs")
    cpu = np.load(tmp_path / "cpu_outputs" / "logits.npy")
    all_logits = program.run({key: pixels}, tmp_path / "all")["logits"]
    assert_close(all_logits, expected)
    assert_close(all_logits, cpu)
    np.testing.assert_array_equal(all_logits.argmax(1), cpu.argmax(1))
    for seed in SEEDS:
        logits = program.run({key: pixels[seed : seed + 1]}, tmp_path / f"seed{seed}", seed=seed)["logits"]
        assert_close(logits, expected[seed : seed + 1])


def test_any_order_gives_the_same_bits(photos: Photos, compile_once: Callable[..., GpuProgram], tmp_path: Path) -> None:
    program = compile_once(EXAMPLES["vit"], "--batch=dynamic")
    inputs = {input_name(program): photos.pixels[:1]}
    first = program.run(inputs, tmp_path, seed=3)["logits"]
    np.testing.assert_array_equal(program.run(inputs, tmp_path, seed=4)["logits"], first)


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(("search", "beams"), [("greedy", 1), ("beams", 4)])
def test_generated_tokens(
    name: str, search: str, beams: int, compile_once: Callable[..., GpuProgram], tmp_path: Path
) -> None:
    expected = test_generation.load(name)
    source = [f"--max-source-length={test_generation.SOURCE_LENGTH}"] if "attention_mask" in expected else []
    program = compile_once(test_generation.MODELS / name, *source)
    inputs = test_generation.encoder_inputs(name) or {"token": expected["input_ids"]}
    actual = program.run(inputs, tmp_path, f"--beams={beams}", f"--max-length={expected['max_length']}")
    test_generation.assert_same_tokens(
        actual["tokens"], expected[f"{search}_tokens"], 1, test_generation.end_token(name)
    )
    if search == "beams":
        scores = expected["beams_scores"]
        np.testing.assert_allclose(actual["scores"].reshape(scores.shape), scores, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", DECODERS)
def test_steps_are_graphs(name: str, compile_once: Callable[..., GpuProgram], tmp_path: Path) -> None:
    """A step waits for nothing that lies on the GPU, not for its position either: with an encoder's, two graphs run."""
    expected = test_generation.load(name)
    source = [f"--max-source-length={test_generation.SOURCE_LENGTH}"] if "attention_mask" in expected else []
    inputs = test_generation.encoder_inputs(name) or {"token": expected["input_ids"]}
    program = compile_once(test_generation.MODELS / name, *source)
    options = [*save_inputs(inputs, tmp_path), "--output-dir", tmp_path / "outputs"]
    result = program.start(*options, fail="cuGraphLaunch:2=999")
    assert result.returncode != 0 and "cuGraphLaunch" in result.stderr, result


@pytest.mark.parametrize(
    ("target", "device"), [("sm_80", "8.6"), ("sm_80", "12.0"), ("sm_86", "8.9"), ("sm_90a", "9.0")]
)
def test_later_gpus(
    target: str, device: str, photos: Photos, compile_once: Callable[..., GpuProgram], tmp_path: Path
) -> None:
    program = compile_once(EXAMPLES["vit"], "--batch=dynamic", target=target)
    logits = program.run({input_name(program): photos.pixels[:2]}, tmp_path, device=device)["logits"]
    assert_close(logits, photos.logits[:2])


@pytest.mark.parametrize("name", LOOPS)
def test_loops_of_the_host(name: str, tmp_path: Path) -> None:
    model = test_loops.write_model(test_loops.MODELS[name], tmp_path)
    inputs = test_loops.make_inputs(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    actual = compile_gpu(tmp_path / "model.onnx", tmp_path).run(inputs, tmp_path)
    for output, value in zip(names, session.run(names, inputs), strict=True):
        assert_close(actual[output], value)


def test_attention_maps(compile_once: Callable[..., GpuProgram], tmp_path: Path) -> None:
    picture = sorted((SIGNDIGITS / "images").iterdir())[0]
    run_ok(VITC, "compile", EXAMPLES["vit"], "-o", tmp_path / "cpu", "--march=native", "--batch=dynamic")
    run_ok(tmp_path / "cpu", "--attention", tmp_path / "expected", picture)
    compile_once(EXAMPLES["vit"], "--batch=dynamic").start_ok("--attention", tmp_path / "actual", picture)
    expected, actual = load_outputs(tmp_path / "expected"), load_outputs(tmp_path / "actual")
    assert expected and expected.keys() == actual.keys()
    for name, value in expected.items():
        assert_close(actual[name], value)


def test_profile_shows_every_kernel(compile_once: Callable[..., GpuProgram], tmp_path: Path) -> None:
    program = compile_once(EXAMPLES["vit"], "--batch=dynamic")
    program.start_ok("--profile", tmp_path / "trace.json")
    slices = [event for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"] if event["ph"] == "X"]
    assert len(slices) > 4 * 4  # of four blocks
    assert all(event["dur"] >= 0 for event in slices)


def test_benchmark_times_the_device(compile_once: Callable[..., GpuProgram], tmp_path: Path) -> None:
    """Many launches of one graph, and the figures of the device and with copies."""
    program = compile_once(EXAMPLES["vit"], "--batch=dynamic")
    program.start_ok("--benchmark", "--min-time", "0.001", "--json", tmp_path / "times.json")
    times = json.loads((tmp_path / "times.json").read_text())
    assert times["runs"] >= 1
    assert times["median_ms"] > 0
