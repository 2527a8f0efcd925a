# ===- test_import_errors.py - Bad model files get one clear line ----------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Whatever a model file holds: vitc ends soon, in bounded memory, with one error line and exit code 1."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import malformed_folders
import malformed_models
import malformed_onnx
import malformed_texts
import numpy as np
import pytest
from onnx import helper
from safetensors.numpy import load_file, save_file

from harness import SIGNDIGITS, VITC, error_line

MODELS = Path(__file__).parent / "data" / "models"
MAX_MEMORY = 4 << 30
MAX_SECONDS = 10


def run_limited(*arguments: object) -> subprocess.CompletedProcess[str]:
    """vitc with little time and memory."""
    return subprocess.run(
        [str(VITC), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=MAX_SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY)),
    )


CASES = {
    f"{group}-{name}": case
    for group, cases in (
        ("onnx", malformed_onnx.ONNX),
        ("safetensors", malformed_folders.SAFETENSORS),
        ("config", malformed_folders.CONFIG),
        ("manifest", malformed_folders.MANIFEST),
        ("npy", malformed_onnx.NPY),
        ("weights", malformed_models.WEIGHTS),
        ("configs", malformed_models.CONFIG),
        ("preprocessor", malformed_models.PREPROCESSOR),
        ("timm", malformed_models.TIMM),
        ("mlir", malformed_models.IR),
        ("tokenizer", malformed_texts.TOKENIZER_JSON),
        ("vocabulary", malformed_texts.VOCABULARY),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_malformed_file(tmp_path: Path, name: str) -> None:
    arguments, message = CASES[name](tmp_path)
    result = run_limited("inspect", *arguments)
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    errors = [line for line in result.stderr.splitlines() if "note: " not in line and "warning: " not in line]
    assert len(errors) == 1, result.stderr
    assert "error: " in errors[0]
    assert message in errors[0]
    assert not errors[0].endswith(".")


def test_there_are_many_malformed_files() -> None:
    assert len(CASES) >= 200


def test_a_large_result_takes_no_memory_to_compile(tmp_path: Path) -> None:
    """10^12 elements from a constant of as many: legal, if a machine has room for them."""
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["c"], name="fill"),
        helper.make_node("Add", ["x", "c"], ["y"], name="sum"),
    ]
    inputs, outputs = [("x", malformed_onnx.FLOAT, [1])], [("y", malformed_onnx.FLOAT, None)]
    model = malformed_onnx.make(nodes, inputs, outputs, {"s": np.array([10**6, 10**6])})
    (path,) = malformed_onnx.save(tmp_path, model)
    result = run_limited("compile", path, "--compile-to=kernel", "--emit=mlir", "-o", tmp_path / "kernel.mlir")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "kernel.mlir").stat().st_size < 1 << 20


# ===----------------------------------------------------------------------===#
# Weights that do not fit the configuration
# ===----------------------------------------------------------------------===#

# A weight of each kind of model, what the configuration is about, and its shape.
WEIGHTS = {
    "ViTForImageClassification": "vit.encoder.layer.1.attention.attention.key.weight",
    "DeiTForImageClassificationWithTeacher": "deit.embeddings.distillation_token",
    "BeitForImageClassification": "beit.encoder.layer.1.attention.attention.query.weight",
    "Dinov2ForImageClassification": "dinov2.encoder.layer.1.layer_scale1.lambda1",
    "Dinov2WithRegistersForImageClassification": "dinov2_with_registers.embeddings.register_tokens",
    "SwinForImageClassification": "swin.encoder.layers.0.blocks.1.attention.self.query.weight",
    "Swinv2ForImageClassification": "swinv2.encoder.layers.0.blocks.1.attention.self.logit_scale",
}


def copy_model(name: str, folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A folder with the configuration of a model, and its weights."""
    for path in (MODELS / name).glob("*.json"):
        shutil.copy(path, folder)
    return folder, load_file(MODELS / name / "model.safetensors")


def inspect_error(folder: Path) -> str:
    result = run_limited("inspect", folder)
    assert result.returncode == 1, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if "error: " in line]
    return line


@pytest.mark.parametrize("model", WEIGHTS)
def test_missing_weight(tmp_path: Path, model: str) -> None:
    folder, tensors = copy_model(model, tmp_path)
    del tensors[WEIGHTS[model]]
    save_file(tensors, folder / "model.safetensors")
    line = inspect_error(folder)
    assert f"lacks 1 tensor that config.json asks for: '{WEIGHTS[model]}'" in line


@pytest.mark.parametrize("model", WEIGHTS)
def test_weight_of_another_shape(tmp_path: Path, model: str) -> None:
    folder, tensors = copy_model(model, tmp_path)
    name = WEIGHTS[model]
    wanted = list(tensors[name].shape)
    tensors[name] = np.zeros((*wanted[:-1], wanted[-1] + 3), np.float32)
    save_file(tensors, folder / "model.safetensors")
    line = inspect_error(folder)
    assert f"tensor '{name}' has shape {list(tensors[name].shape)}; " in line
    assert f" needs {wanted}" in line
    assert "=" in line  # what the configuration says


@pytest.mark.parametrize("model", WEIGHTS)
def test_weight_of_another_type(tmp_path: Path, model: str) -> None:
    folder, tensors = copy_model(model, tmp_path)
    tensors[WEIGHTS[model]] = tensors[WEIGHTS[model]].astype(np.int32)
    save_file(tensors, folder / "model.safetensors")
    assert f"tensor '{WEIGHTS[model]}' has dtype I32; vitc reads F32, F16, BF16 and F64" in inspect_error(folder)


@pytest.mark.parametrize("model", WEIGHTS)
def test_extra_weight_is_named(tmp_path: Path, model: str) -> None:
    folder, tensors = copy_model(model, tmp_path)
    tensors["stray.weight"] = np.zeros(4, np.float32)
    save_file(tensors, folder / "model.safetensors")
    result = run_limited("inspect", folder)
    assert result.returncode == 0
    assert "warning: 1 tensor is not part of this architecture: 'stray.weight'" in result.stderr


@pytest.mark.parametrize("model", WEIGHTS)
def test_extra_weight_of_a_block(tmp_path: Path, model: str) -> None:
    folder, tensors = copy_model(model, tmp_path)
    name = next(name for name in tensors if ".0." in name).split(".0.")[0] + ".0.stray.weight"
    tensors[name] = np.zeros(4, np.float32)
    save_file(tensors, folder / "model.safetensors")
    assert f"error: 1 tensor is not part of this architecture: '{name}'; " in inspect_error(folder)


def timm_model(folder: Path) -> dict[str, np.ndarray]:
    """A test_vit of timm's as a folder, and its weights."""
    from test_export import timm_weights

    config = {"architecture": "test_vit", "pretrained_cfg": {"input_size": [3, 32, 32]}}
    (folder / "config.json").write_text(json.dumps(config))
    return timm_weights(folder / "model.safetensors")


def test_timm_missing_weight(tmp_path: Path) -> None:
    tensors = timm_model(tmp_path)
    del tensors["blocks.0.attn.proj.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    assert "'blocks.0.attn.proj.weight'" in inspect_error(tmp_path)


def test_timm_extra_weight(tmp_path: Path) -> None:
    tensors = timm_model(tmp_path)
    tensors["stray.weight"] = np.zeros(4, np.float32)
    save_file(tensors, tmp_path / "model.safetensors")
    assert "error: 1 tensor is not part of this architecture: 'stray.weight'; " in inspect_error(tmp_path)


def test_timm_weight_of_another_shape(tmp_path: Path) -> None:
    tensors = timm_model(tmp_path)
    tensors["blocks.0.attn.qkv.weight"] = np.zeros((47, 16), np.float32)
    save_file(tensors, tmp_path / "model.safetensors")
    line = inspect_error(tmp_path)
    assert "tensor 'blocks.0.attn.qkv.weight' has shape [47, 16]; " in line
    assert " needs [48, 16]" in line


def test_timm_unknown_architecture(tmp_path: Path) -> None:
    timm_model(tmp_path)
    (tmp_path / "config.json").write_text('{"architecture": "vit_tiny_patch61_224"}')
    line = inspect_error(tmp_path)
    assert "architecture = 'vit_tiny_patch61_224', which vitc does not know" in line
    assert "vit_tiny_patch16_224" in line


# ===----------------------------------------------------------------------===#
# The command line
# ===----------------------------------------------------------------------===#


@pytest.mark.parametrize(
    "options",
    [
        ("--shape", "height"),
        ("--shape", "height=0"),
        ("--shape", "height=many"),
        ("--shape", "=4"),
        ("--constant", "w"),
        ("--constant", "=w.npy"),
        ("--image-size", "224"),
        ("--image-size", "0x0"),
        ("--batch", "-1"),
    ],
    ids="".join,
)
def test_command_line(options: tuple[str, str]) -> None:
    assert f"{options[0]} is '{options[1]}'" in error_line(VITC, "inspect", SIGNDIGITS / "model", *options, code=2)


# ===----------------------------------------------------------------------===#
# Mutations
# ===----------------------------------------------------------------------===#


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, removed, doubled or moved; more often near the start, where the structure is."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = min(int(rng.random() ** 3 * len(data)), len(data) - 1)
        size = rng.choice((1, 1, 4, 16))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + size]
        elif kind == 3:
            data[at:at] = data[at : at + size]
        else:
            data[at : at + size] = rng.choice((b"\xff", b"\x00", b"\x7f", b"9")) * size
        data = data or bytearray(b"\x00")
    return bytes(data)


MUTATED = {
    "onnx-ts17": ("DeiTForImageClassificationWithTeacher", "model.ts17.onnx"),
    "onnx-dyn25": ("Swinv2ForImageClassification", "model.dyn25.onnx"),
    "safetensors": ("ViTForImageClassification", "model.safetensors"),
    "config": ("SwinForImageClassification", "config.json"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATED)
def test_mutations_never_crash(tmp_path: Path, name: str) -> None:
    """50 seeded mutations of each file, through the compiler up to kernels."""
    model, file = MUTATED[name]
    source = MODELS / model / file
    for path in (MODELS / model).glob("*.json"):
        shutil.copy(path, tmp_path)
    shutil.copy(MODELS / model / "model.safetensors", tmp_path)
    target = tmp_path / file
    refused = 0
    for seed in range(50):
        target.write_bytes(mutate(source.read_bytes(), random.Random(f"{name} {seed}")))
        argument = target if file.endswith(".onnx") else tmp_path
        result = run_limited("compile", argument, "--compile-to=kernel", "--emit=mlir", "-o", "/dev/null")
        assert result.returncode in (0, 1), f"seed {seed}: code {result.returncode}\n{result.stderr}"
        assert ("error: " in result.stderr) == (result.returncode == 1), f"seed {seed}: {result.stderr}"
        refused += result.returncode
    # The mutations reach what is read.
    assert refused > 10


# ===----------------------------------------------------------------------===#
# vitc's own mistakes
# ===----------------------------------------------------------------------===#


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT], ids=lambda number: number.name)
def test_a_crash_says_how_to_reproduce_it(number: signal.Signals) -> None:
    """The crash comes from outside, while vitc waits for a module on its standard input."""
    command = [str(VITC), "inspect", "-", "--compile-from=import"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # It handles signals when it reads.
        process.stdin.write("module {")
        process.stdin.flush()
        while process.poll() is None and not is_reading(process.pid):
            time.sleep(0.01)
        process.send_signal(number)
        _, error = process.communicate(timeout=MAX_SECONDS)
    assert process.returncode == 4
    lines = error.splitlines()
    assert lines == ["internal error: vitc crashed; reproduce with: vitc inspect - --compile-from=import"]


def is_reading(pid: int) -> bool:
    """Whether a process waits for what it reads from standard input."""
    return Path(f"/proc/{pid}/syscall").read_text().startswith("0 0x0 ")
