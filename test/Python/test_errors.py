# ===- test_errors.py - Each mistake gets one clear line and its exit code ===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import vitc
from harness import SIGNDIGITS, VITC, error_line

PHOTO = SIGNDIGITS / "images" / "3_1.jpg"


@pytest.fixture
def broken_model(tmp_path: Path) -> Path:
    """A copy of the example's model folder, to be damaged."""
    return Path(shutil.copytree(SIGNDIGITS / "model", tmp_path / "model"))


def change_tensors(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def compile_error(model: Path, tmp_path: Path) -> str:
    """Compiles a model that must be refused as the user's mistake, with nothing written."""
    folder = tmp_path / "out"
    folder.mkdir()
    line = error_line(VITC, "compile", model, "-o", folder / "program", code=1)
    assert list(folder.iterdir()) == []
    return line


@pytest.mark.parametrize("kept", [0, 7, 8, 1000, 500_000])
def test_truncated_safetensors(broken_model: Path, tmp_path: Path, kept: int) -> None:
    path = broken_model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert "model.safetensors: error: " in compile_error(broken_model, tmp_path)


def test_missing_tensor(broken_model: Path, tmp_path: Path) -> None:
    name = "vit.encoder.layer.2.output.dense.weight"
    change_tensors(broken_model, lambda tensors: tensors.pop(name))
    assert name in compile_error(broken_model, tmp_path)


def test_wrong_shape(broken_model: Path, tmp_path: Path) -> None:
    name = "classifier.weight"
    change_tensors(broken_model, lambda tensors: tensors.update({name: tensors[name][:, :64].copy()}))
    line = compile_error(broken_model, tmp_path)
    assert name in line
    assert "[10, 64]" in line
    assert "[10, 128]" in line


def test_config_is_not_json(broken_model: Path, tmp_path: Path) -> None:
    (broken_model / "config.json").write_text("{ hidden_size: 128")
    assert "config.json: error: " in compile_error(broken_model, tmp_path)


def test_unknown_architecture(broken_model: Path, tmp_path: Path) -> None:
    config = broken_model / "config.json"
    config.write_text(config.read_text().replace("ViTForImageClassification", "PerceiverForMars"))
    assert "PerceiverForMars" in compile_error(broken_model, tmp_path)


def test_no_such_model(tmp_path: Path) -> None:
    assert "absent.onnx" in compile_error(tmp_path / "absent.onnx", tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a protobuf", bytes(range(256)) * 8], ids=["empty", "text", "bytes"])
def test_not_an_onnx_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert "model.onnx" in compile_error(path, tmp_path)


def test_output_folder_is_missing(tmp_path: Path) -> None:
    output = tmp_path / "absent" / "program"
    assert str(output) in error_line(VITC, "compile", SIGNDIGITS / "model", "-o", output, code=1)
    assert not output.parent.exists()


def test_compiler_unknown_option(tmp_path: Path) -> None:
    output = tmp_path / "program"
    line = error_line(VITC, "compile", SIGNDIGITS / "model", "-o", output, "--quikc", code=2)
    assert "--quikc" in line
    assert not output.exists()


def test_program_unknown_option(program: Path) -> None:
    assert "--quikc" in error_line(program, "--quikc", PHOTO, code=2)


def test_program_without_arguments(program: Path) -> None:
    error_line(program, code=2)


@pytest.mark.parametrize("isa", ["x86-64-v9", "sm_90a"])
def test_program_unknown_isa(program: Path, isa: str) -> None:
    assert isa in error_line(program, "--isa", isa, PHOTO, code=1)


@pytest.mark.parametrize("threads", ["0x", "-1", "many"])
def test_program_thread_count(program: Path, threads: str) -> None:
    assert threads in error_line(program, "--threads", threads, PHOTO, code=2)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 cut short"], ids=["empty", "gif", "cut"])
def test_not_an_image(program: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    attention = tmp_path / "attention"
    assert "photo.jpg: " in error_line(program, "--attention", attention, path, code=1)
    assert not attention.exists() or list(attention.iterdir()) == []


def test_truncated_image(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTO.read_bytes()[:500])
    assert "photo.jpg: " in error_line(program, path, code=1)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((1, 3, 64, 63), np.float32), "[1, 3, 64, 63]"),
        (np.zeros((3, 64, 64), np.float32), "[3, 64, 64]"),
        (np.zeros((1, 3, 64, 64), np.complex64), "c8"),
    ],
    ids=["width", "rank", "type"],
)
def test_wrong_tensor(program: Path, tmp_path: Path, array: np.ndarray, found: str) -> None:
    path = tmp_path / "pixels.npy"
    np.save(path, array)
    assert found in error_line(program, "--input", path, "--output-dir", tmp_path / "out", code=1)
    assert not (tmp_path / "out" / "logits.npy").exists()


def test_unknown_input_name(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "pixels.npy"
    np.save(path, np.zeros((1, 3, 64, 64), np.float32))
    line = error_line(program, "--input", f"pixels={path}", "--output-dir", tmp_path / "out", code=2)
    assert "'pixels'" in line
    assert "pixel_values" in line


def test_python_wrong_shape(library: Path) -> None:
    with vitc.load(library) as model, pytest.raises(vitc.InvalidArgumentError, match=r"pixel_values.*63.*64"):
        model(np.zeros((1, 3, 64, 63), np.float32))


def test_python_wrong_type(library: Path) -> None:
    with vitc.load(library) as model, pytest.raises(vitc.InvalidArgumentError, match=r"pixel_values.*f64.*f32"):
        model(np.zeros((1, 3, 64, 64), np.float64))


def test_python_names(library: Path) -> None:
    pixels = np.zeros((1, 3, 64, 64), np.float32)
    with vitc.load(library) as model:
        with pytest.raises(vitc.InvalidArgumentError, match="'pixels' is not an input; the inputs are 'pixel_values'"):
            model({"pixels": pixels})
        with pytest.raises(vitc.InvalidArgumentError, match="input 'pixel_values' is missing"):
            model()
        with pytest.raises(vitc.InvalidArgumentError, match="2 arrays given; the model has 1 inputs"):
            model(pixels, pixels)
        assert model({"pixel_values": pixels}).tobytes() == model(pixel_values=pixels).tobytes()


def test_python_passes_warnings_on(broken_model: Path) -> None:
    (broken_model / "preprocessor_config.json").unlink()
    with pytest.warns(UserWarning, match="no preprocessor_config.json; using ViTImageProcessor's defaults") as caught:
        vitc.compile(broken_model).close()
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error")
def test_python_warns_of_nothing_else() -> None:
    vitc.compile("zoo:vit?dim=32,depth=1,heads=2,patch=8,image=16,classes=3").close()


def test_python_closed_model(library: Path) -> None:
    model = vitc.load(library)
    model.close()
    with pytest.raises(vitc.InvalidArgumentError, match="model is closed"):
        model(np.zeros((1, 3, 64, 64), np.float32))
    with pytest.raises(vitc.InvalidArgumentError, match="model is closed"):
        model.read_image(PHOTO)


def test_python_device_of_a_cpu_model(library: Path) -> None:
    with vitc.load(library) as model:
        assert model.device is None
    with pytest.raises(vitc.InvalidArgumentError, match="GPU 0 was asked for; the model was compiled for a CPU"):
        vitc.load(library, device=0)


@pytest.mark.parametrize("name", ["threads", "device"])
@pytest.mark.parametrize("value", [-1, 2**31, 2**32])
def test_python_numbers(name: str, value: int, library: Path) -> None:
    """ctypes would take 2**32 for 0."""
    with pytest.raises(vitc.InvalidArgumentError, match=f"^{name} is {value}; an integer from 0 to 2147483647 is"):
        vitc.load(library, **{name: value})


def test_python_files(library: Path, tmp_path: Path) -> None:
    text = tmp_path / "model.so"
    text.write_text("not a library")
    with pytest.raises(vitc.FileError, match="cannot be loaded as a shared library"):
        vitc.load(text)
    with vitc.load(library) as model, pytest.raises(vitc.FileError, match="absent"):
        model.read_image(tmp_path / "absent.jpg")


def test_python_compile_error(tmp_path: Path) -> None:
    with pytest.raises(vitc.CompileError, match="absent") as caught:
        vitc.compile(tmp_path / "absent.onnx")
    assert caught.value.exit_code == 1
