# ===- test_export.py - Files of other programs become what vitc reads ----===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""python -m vitc.export, without PyTorch: .safetensors files, and what each other file is answered."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness import SIGNDIGITS, VITC, error_line, run, run_ok

EXPORT = (sys.executable, "-m", "vitc.export")
MODEL = SIGNDIGITS / "model"
# Stands where PyTorch would; an import of it fails.
NO_TORCH = "import sys; sys.modules['torch'] = None; from vitc.export import main; sys.exit(main())"
NO_TIMM = "import sys; sys.modules['timm'] = None; from vitc.export import main; sys.exit(main())"


def timm_weights(path: Path) -> dict[str, np.ndarray]:
    """A test_vit of timm's with other sizes: the weights decide; dim 16, depth 1, patch 8, 32 x 32 pixels."""
    rng = np.random.default_rng(0)
    dim, hidden = 16, 24
    shapes = {
        "cls_token": (1, 1, dim),
        "pos_embed": (1, 17, dim),
        "patch_embed.proj.weight": (dim, 3, 8, 8),
        "patch_embed.proj.bias": (dim,),
        "blocks.0.attn.qkv.weight": (3 * dim, dim),
        "blocks.0.attn.qkv.bias": (3 * dim,),
        "blocks.0.attn.proj.weight": (dim, dim),
        "blocks.0.attn.proj.bias": (dim,),
        "blocks.0.mlp.fc1.weight": (hidden, dim),
        "blocks.0.mlp.fc1.bias": (hidden,),
        "blocks.0.mlp.fc2.weight": (dim, hidden),
        "blocks.0.mlp.fc2.bias": (dim,),
        "head.weight": (3, dim),
        "head.bias": (3,),
    }
    for norm in ("blocks.0.norm1", "blocks.0.norm2", "norm"):
        shapes |= {f"{norm}.weight": (dim,), f"{norm}.bias": (dim,)}
    tensors = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    save_file(tensors, path)
    return tensors


def test_safetensors_with_a_config(tmp_path: Path) -> None:
    out = tmp_path / "new" / "model"
    run_ok(*EXPORT, MODEL / "model.safetensors", out, "--config", MODEL)
    names = sorted(path.name for path in out.iterdir())
    assert names == ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert all((out / name).read_bytes() == (MODEL / name).read_bytes() for name in names)
    assert [path.name for path in out.parent.iterdir()] == ["model"]


def test_the_config_beside_the_file_is_taken(tmp_path: Path) -> None:
    run_ok(*EXPORT, MODEL / "model.safetensors", tmp_path / "model")
    assert (tmp_path / "model" / "config.json").read_bytes() == (MODEL / "config.json").read_bytes()


def test_safetensors_with_a_timm_architecture(tmp_path: Path) -> None:
    tensors = timm_weights(tmp_path / "weights.safetensors")
    out = tmp_path / "model"
    command = (sys.executable, "-c", NO_TIMM, tmp_path / "weights.safetensors", out)
    result = run(*command, "--architecture", "test_vit", "--image-size", "32x32")
    assert result.returncode == 0
    assert result.stderr.startswith("note: timm is not installed")
    config = json.loads((out / "config.json").read_text())
    assert config == {"architecture": "test_vit", "pretrained_cfg": {"input_size": [3, 32, 32]}}
    report = json.loads(run_ok(VITC, "inspect", out, "--json"))
    assert report["parameters"] == sum(tensor.size for tensor in tensors.values())
    assert report["inputs"] == [{"name": "pixel_values", "type": "?x3x32x32xf32"}]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in" / "weights.pth"
    source.parent.mkdir()
    source.write_bytes(b"not read")
    out = tmp_path / "out" / "model"
    line = error_line(sys.executable, "-c", NO_TORCH, source, out, "--config", MODEL, code=1)
    assert (
        line == f"{source}: error: needs PyTorch to be read, which this Python does not have; try 'pip install torch'"
    )
    assert list(out.parent.iterdir()) == []


def test_an_existing_folder_stays(tmp_path: Path) -> None:
    line = error_line(*EXPORT, MODEL / "model.safetensors", tmp_path, "--config", MODEL, code=1)
    assert f"OUT is '{tmp_path}', which exists; needs the name of a new folder" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        (
            "a.safetensors",
            "model",
            "says nothing of its architecture; needs --architecture NAME of timm's, or --config",
        ),
        ("a.safetensors", "model.onnx", "holds weights, which become a folder; OUT is"),
        ("a.pt2", "model", "is a torch.export program, which becomes ONNX; OUT is"),
        ("a.keras", "model", "is a Keras model; write ONNX with Keras itself"),
        ("a.h5", "model", "is a Keras model; write ONNX with Keras itself"),
        ("a.txt", "model", "is a file of another kind; needs .pth, .pt, .bin, .safetensors, .pt2 or a folder"),
    ],
)
def test_each_file_is_answered(tmp_path: Path, name: str, out: str, message: str) -> None:
    (tmp_path / name).touch()
    assert message in error_line(*EXPORT, tmp_path / name, tmp_path / out, code=1)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_such_file(tmp_path: Path) -> None:
    assert "cannot be read" in error_line(*EXPORT, tmp_path / "absent.pth", tmp_path / "out", code=1)


def test_a_folder_without_checkpoints(tmp_path: Path) -> None:
    line = error_line(*EXPORT, tmp_path, tmp_path / "out", "--config", MODEL, code=1)
    assert "is a folder without pytorch_model.bin or pytorch_model-*.bin" in line


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--image-size", "32x32"),
        ("--architecture", "a", "--config", "b"),
        ("--architecture", "a", "--image-size", "32"),
        ("--architecture", "a", "--image-size", "0x32"),
    ],
)
def test_command_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    out = (tmp_path / "out",) if options else ()
    result = run(*EXPORT, MODEL / "model.safetensors", *out, *options)
    assert result.returncode == 2
    assert "python -m vitc.export: error: " in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["pth", "pt", "bin", "pt2", "safetensors"])
def test_the_compiler_names_the_script(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model.{suffix}"
    path.touch()
    assert "python -m vitc.export" in error_line(VITC, "compile", path, "-o", tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()


def test_the_compiler_names_the_script_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((MODEL / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").touch()
    assert "python -m vitc.export" in error_line(VITC, "inspect", tmp_path, code=1)
