# ===- test_verify.py - vitc verify finds what is wrong -------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Miscompiles are found and the first layer that they change is named; test_verify_models.py has the models.

A miscompile is planted in a dump of the raise phase, which does not depend on how the passes behind it fuse: the
kernels that vitc makes of the edited dump are what a wrong pass would have made of the model. The arena's plan is
edited in a dump of the kernel phase."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vitc
from dumps import Dump, dump, mismatch
from harness import EXAMPLES, SIGNDIGITS, VITC, error_line, run_ok

MODELS = Path(__file__).parent / "data" / "models"
VIT = MODELS / "ViTForImageClassification"
SWIN = MODELS / "SwinForImageClassification"
PHOTOS = [SIGNDIGITS / "images" / name for name in ("0_1.jpg", "1_1.jpg")]

# --- Clean models -------------------------------------------------------------


@pytest.mark.parametrize("model", [SIGNDIGITS / "model", SWIN, MODELS / "SwinForImageClassification-padded"])
def test_batch_verifies(model: Path, backend: str) -> None:
    report = run_ok(VITC, "verify", model, f"--backend={backend}", "--batch=3", "-v")
    compared = {line.split()[-1] for line in report.splitlines() if re.match(r"\d\.\de", line)}
    assert {"kernel.gemm", "kernel.attention", "kernel.attention_map"} <= compared


def test_reads_inputs(tmp_path: Path) -> None:
    model, pixels = SIGNDIGITS / "model", tmp_path / "x.npy"
    np.save(
        pixels,
        np.random.default_rng(1).standard_normal((3, 3, 64, 64)).astype(np.float32),
    )
    run_ok(VITC, "verify", model, "--batch=3", "--input", f"pixel_values={pixels}")
    error = error_line(VITC, "verify", model, "--input", f"pixel_values={pixels}", code=1)
    assert "x.npy: has shape [3, 3, 64, 64]; needs [1, 3, 64, 64]" in error
    error = error_line(VITC, "verify", model, "--batch=3", "--input", f"pixels={pixels}", code=1)
    assert "--input names 'pixels'; the model has 'pixel_values'" in error


def test_reads_pictures(library: Path, tmp_path: Path) -> None:
    """They are prepared as a program does: the errors are those of its pixels."""
    model, (one, two) = SIGNDIGITS / "model", PHOTOS
    with vitc.load(library) as program:
        np.save(tmp_path / "x.npy", np.concatenate([program.read_image(one), program.read_image(two)]))
    pictures = run_ok(VITC, "verify", model, f"--image={one}", f"--image={two}", "-v")
    assert pictures == run_ok(VITC, "verify", model, "--batch=2", "--input", f"pixel_values={tmp_path / 'x.npy'}", "-v")
    assert pictures != run_ok(VITC, "verify", model, "--batch=2", "-v")


def test_pictures_are_checked(library: Path, tmp_path: Path) -> None:
    model, (one, two) = SIGNDIGITS / "model", PHOTOS

    def message(*arguments: str | Path) -> str:
        return error_line(VITC, "verify", *arguments, code=1)

    assert "found 2 pictures; needs a batch of 3" in message(model, "--image", one, "--image", two, "--batch=3")
    (tmp_path / "text.jpg").write_text("no picture")
    assert "text.jpg" in message(model, "--image", tmp_path / "text.jpg")
    with vitc.load(library) as program:
        np.save(tmp_path / "x.npy", program.read_image(one))
    both = message(model, "--image", one, "--input", f"pixel_values={tmp_path / 'x.npy'}")
    assert "--image and --input both give 'pixel_values'; needs one of them" in both
    without = message(ONNX, "--image", one)
    assert "--image was given; the model's source has no picture preprocessing and needs --input" in without


def test_tolerance_is_kept() -> None:
    """No f32 kernel gives the reference's bits in every layer."""
    assert "differs from the reference" in mismatch("verify", VIT, "--tolerance=1e-12")


def test_inputs_are_kept(tmp_path: Path) -> None:
    """The reference may neither write over what the kernels read later, nor hand it out as a result."""
    (tmp_path / "twice.mlir").write_text(
        """func.func @forward(%x: tensor<?x4x8xf32> {vit.name = "x"})
            -> (tensor<?x4x8xf32> {vit.name = "sum"}, tensor<?x32xf32> {vit.name = "flat"}) {
          %0 = arith.addf %x, %x : tensor<?x4x8xf32>
          %1 = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x4x8xf32> into tensor<?x32xf32>
          return %0, %1 : tensor<?x4x8xf32>, tensor<?x32xf32>
        }
        """
    )
    run_ok(VITC, "verify", tmp_path / "twice.mlir")


# --- Planted miscompiles ------------------------------------------------------

VIT_LAYER = "vit.encoder.layer.1"
SWIN_BLOCK = "swin.encoder.layers.0.blocks.1"


def wrong_scale(module: Dump) -> None:
    module.edit("vit.attention", f"{VIT_LAYER}.attention.attention", r"scale \S+", "scale 0.30")


def swapped_query_and_key(module: Dump) -> None:
    module.edit(
        "vit.attention",
        f"{VIT_LAYER}.attention.attention",
        r"(%\w+), (%\w+), (%\w+)",
        r"\1, \3, \2",
    )


def dropped_bias(module: Dump) -> None:
    module.edit("vit.linear", f"{VIT_LAYER}.intermediate.dense", r" bias\([^)]*\)", "")


def wrong_activation(module: Dump) -> None:
    """The activation comes behind the second product instead of between the two."""
    dense = f"{VIT_LAYER}.output.dense"
    gelu = module.find("vit.gelu", f"{VIT_LAYER}.intermediate.intermediate_act_fn")
    before = re.search(r"vit\.gelu (%\w+)", module.lines[gelu])[1]
    after = module.result_of("vit.gelu", f"{VIT_LAYER}.intermediate.intermediate_act_fn")
    product = module.find("vit.linear", dense)
    module.lines[product] = module.lines[product].replace(f"vit.linear {after},", f"vit.linear {before},")
    result = module.result_of("vit.linear", dense)
    type_ = re.search(r"-> (tensor<[^>]*>)", module.lines[product])[1]
    location = module.lines[product].rsplit(" loc(", 1)[1]
    module.lines.insert(product + 1, f"%moved = vit.gelu {result} : {type_} loc({location}")
    residual = module.find("arith.addf", f"{dense}.residual")
    module.lines[residual] = module.lines[residual].replace(f"{result},", "%moved,")


def wrong_residual(module: Dump) -> None:
    """The tokens before attention in place of those behind it."""
    first = module.find("arith.addf", f"{VIT_LAYER}.attention.output.dense.residual")
    stale = re.search(r"arith\.addf %\w+, (%\w+)", module.lines[first])[1]
    module.edit(
        "arith.addf",
        f"{VIT_LAYER}.output.dense.residual",
        r"(arith\.addf %\w+), %\w+",
        rf"\1, {stale}",
    )


def wrong_epsilon(module: Dump) -> None:
    module.edit("vit.layer_norm", f"{VIT_LAYER}.layernorm_after", r"epsilon \S+", "epsilon 0.01")


def dropped_position(module: Dump) -> None:
    module.edit(
        "vit.patch_embed",
        "vit.embeddings.patch_embeddings.projection",
        r" position\([^)]*\)",
        "",
    )


def wrong_shift(module: Dump) -> None:
    """The first of the two: tokens go into other windows."""
    lines = [i for i, line in enumerate(module.lines) if "= vit.cyclic_shift" in line and "shift [2, 2]" in line]
    module.lines[lines[0]] = module.lines[lines[0]].replace("shift [2, 2]", "shift [2, 1]")


def wrong_shift_back(module: Dump) -> None:
    lines = [i for i, line in enumerate(module.lines) if "= vit.cyclic_shift" in line and "shift [-2, -2]" in line]
    module.lines[lines[0]] = module.lines[lines[0]].replace("shift [-2, -2]", "shift [-2, -1]")


def wrong_mask(module: Dump) -> None:
    (line,) = (i for i, line in enumerate(module.lines) if "= vit.shift_mask" in line)
    module.lines[line] = module.lines[line].replace("shift [2, 2]", "shift [1, 2]")


# What is planted, in which model, and what the layer is called that it changes first.
PLANTED: dict[Callable[[Dump], None], tuple[Path, str]] = {
    wrong_scale: (VIT, f"{VIT_LAYER}.attention.attention"),
    swapped_query_and_key: (VIT, f"{VIT_LAYER}.attention.attention"),
    dropped_bias: (VIT, f"{VIT_LAYER}.intermediate"),
    wrong_activation: (VIT, f"{VIT_LAYER}."),
    wrong_residual: (VIT, f"{VIT_LAYER}.output.dense.residual"),
    wrong_epsilon: (VIT, f"{VIT_LAYER}."),
    dropped_position: (VIT, "vit.embeddings.patch_embeddings.projection"),
    wrong_shift: (SWIN, f"{SWIN_BLOCK}.attention.self"),
    wrong_shift_back: (SWIN, f"{SWIN_BLOCK}.attention."),
    wrong_mask: (SWIN, f"{SWIN_BLOCK}.attention.self"),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_planted_miscompile_is_named(plant: Callable[[Dump], None], tmp_path: Path) -> None:
    model, layer = PLANTED[plant]
    module = dump(model, "raise", tmp_path / "raise.mlir")
    plant(module)
    (tmp_path / "edited.mlir").write_text(module.text())
    candidate = tmp_path / "candidate.mlir"
    run_ok(
        VITC,
        "compile",
        tmp_path / "edited.mlir",
        "--compile-from=raise",
        "--compile-to=fuse",
        "-o",
        candidate,
    )
    error = mismatch("verify", model, f"--candidate={candidate}")
    assert error.startswith(f"error: {layer}"), error
    assert re.search(
        r"differs from the reference, '[\w.]+'; first at \[[\d, ]+\], \S+ where \S+ is right",
        error,
    )


def wrong_map_scale(module: Dump) -> None:
    module.edit("vit.attention_map", f"{VIT_LAYER}.attention.attention", r"scale \S+", "scale 0.30")


def wrong_map_operands(module: Dump) -> None:
    module.edit("vit.attention_map", f"{VIT_LAYER}.attention.attention", r"(%\w+), (%\w+)", r"\2, \1")


def dropped_map_bias(module: Dump) -> None:
    module.edit("vit.attention_map", f"{SWIN_BLOCK}.attention.self", r" bias\([^)]*\)", "")


def dropped_map_mask(module: Dump) -> None:
    module.edit("vit.attention_map", f"{SWIN_BLOCK}.attention.self", r" mask\([^)]*\)", "")


# What is planted in @attention alone, which the model's outputs do not show.
PLANTED_MAPS: dict[Callable[[Dump], None], tuple[Path, str]] = {
    wrong_map_scale: (VIT, f"{VIT_LAYER}.attention.attention"),
    wrong_map_operands: (VIT, f"{VIT_LAYER}.attention.attention"),
    dropped_map_bias: (SWIN, f"{SWIN_BLOCK}.attention.self"),
    dropped_map_mask: (SWIN, f"{SWIN_BLOCK}.attention.self"),
}


@pytest.mark.parametrize("plant", PLANTED_MAPS, ids=lambda plant: plant.__name__)
def test_planted_map_is_named(plant: Callable[[Dump], None], backend: str, tmp_path: Path) -> None:
    model, layer = PLANTED_MAPS[plant]
    module = dump(model, "fuse", tmp_path / "fuse.mlir")
    plant(module)
    (tmp_path / "edited.mlir").write_text(module.text())
    error = mismatch("verify", model, f"--candidate={tmp_path / 'edited.mlir'}", f"--backend={backend}")
    expected = f"error: {layer}: 'kernel.attention_map' differs from the reference, the probabilities of "
    assert error.startswith(expected + "'vit.attention'; first at ["), error


def test_outputs_beside_maps_are_compared(tmp_path: Path) -> None:
    """They have to be those of a run without maps, to the bit."""
    module = dump(VIT, "fuse", tmp_path / "fuse.mlir")
    last = max(i for i, line in enumerate(module.lines) if "= vit.linear" in line)  # the classifier, in @attention
    module.lines[last] = re.sub(r"epsilon = \S+", "epsilon = 1.0e-3", module.lines[last])
    (tmp_path / "edited.mlir").write_text(module.text())
    error = mismatch("verify", VIT, f"--candidate={tmp_path / 'edited.mlir'}")
    assert error.startswith("error: logits: output changes where attention maps are computed too; first at [0, ")


def test_candidate_has_another_layers_map(tmp_path: Path) -> None:
    model = SIGNDIGITS / "model"
    text = dump(model, "fuse", tmp_path / "fuse.mlir").text()
    (tmp_path / "edited.mlir").write_text(text.replace("<number = 3, name", "<number = 7, name"))
    error = error_line(VITC, "verify", model, f"--candidate={tmp_path / 'edited.mlir'}", code=1)
    assert "the candidate has a map of attention layer 7; the model has 4" in error


def test_candidate_has_map_of_another_size(tmp_path: Path) -> None:
    text = dump(SWIN, "fuse", tmp_path / "fuse.mlir").text()
    (tmp_path / "edited.mlir").write_text(text.replace("<number = 0, name", "<number = 2, name"))
    error = mismatch("verify", SWIN, f"--candidate={tmp_path / 'edited.mlir'}")
    found = "swin.encoder.layers.0.blocks.0.attention.self: attention map has shape [1, 4, 2, 16, 16]"
    assert error.startswith(f"error: {found}; layer 2 of the model has [1, 1, 4, 16, 16]"), error


def test_model_without_maps() -> None:
    report = run_ok(VITC, "verify", SIGNDIGITS / "model", "--attention-outputs=none")
    assert " attention map" not in report
    assert " attention maps and 1 output agree" in run_ok(VITC, "verify", SIGNDIGITS / "model")


def test_unchanged_dump_verifies(tmp_path: Path) -> None:
    """What the planted ones are found by is the edit."""
    for phase in ("fuse", "kernel"):
        dump(SWIN, phase, tmp_path / "candidate.mlir")
        run_ok(VITC, "verify", SWIN, f"--candidate={tmp_path / 'candidate.mlir'}")


def test_stale_arena_slot_is_named(tmp_path: Path) -> None:
    """What lies in the arena while it is still to be read gets the place of what is written meanwhile."""
    module = dump(VIT, "kernel", tmp_path / "kernel.mlir")
    end = next(i for i, line in enumerate(module.lines) if line.strip().startswith("return"))
    buffers = [i for i, line in enumerate(module.lines[:end]) if re.search(r"= kernel\.buffer %\w+ arena", line)]

    def uses(buffer: int) -> list[int]:
        name = module.lines[buffer].split(" = ")[0].strip()
        return [i for i in range(buffer + 1, end) if re.search(rf"{name}\b", module.lines[i])]

    def type_of(buffer: int) -> str:
        return module.lines[buffer].rsplit(" : ", 1)[1].split(" loc(")[0]

    live, other = next(
        (i, j) for i in buffers for j in buffers if type_of(i) == type_of(j) and uses(i)[0] < uses(j)[0] < uses(i)[-1]
    )
    place = re.search(r" arena(.*?) :", module.lines[live])[1]
    module.lines[other] = re.sub(r" arena.*? :", f" arena{place} :", module.lines[other], count=1)
    (tmp_path / "edited.mlir").write_text(module.text())
    error = mismatch("verify", VIT, f"--candidate={tmp_path / 'edited.mlir'}")
    owner, thief = module.name_of(live), module.name_of(other)
    assert error.startswith("error: vit.")
    assert f"'{thief}' overwrites the value of '{owner}' before" in error


def test_buffer_outside_of_the_arena(tmp_path: Path) -> None:
    text = dump(SIGNDIGITS / "model", "kernel", tmp_path / "kernel.mlir").text()
    edited = re.sub(r" arena.*? :", " arena at 4611686018427387904 :", text, count=1)
    (tmp_path / "edited.mlir").write_text(edited)
    error = error_line(
        VITC,
        "verify",
        SIGNDIGITS / "model",
        f"--candidate={tmp_path / 'edited.mlir'}",
        code=1,
    )
    assert " bytes from 4611686018427387904; needs to lie in the arena, of " in error


# --- ONNX Runtime -------------------------------------------------------------

ONNX = VIT / "model.dyn18.onnx"
WRONG_ONNX_RUNTIME = """
import numpy

__version__ = "9.9"

class SessionOptions: pass

class InferenceSession:
    def __init__(self, *arguments, **options): pass
    def run(self, names, feeds):
        return [numpy.full(({batch}, {classes}), 7, numpy.float32) for _ in names]
"""


def replace_onnxruntime(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "onnxruntime.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_onnx_runtime_agrees() -> None:
    report = run_ok(VITC, "verify", EXAMPLES["linformer"], "--batch=2")
    assert re.search(
        r"\nONNX Runtime [\d.]+ agrees; the largest error is \d\.\de-\d+ of the largest value\n$",
        report,
    )
    assert "ONNX Runtime" not in run_ok(VITC, "verify", VIT)


def test_onnx_runtime_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = np.load(VIT / "io.npz")["expected"].shape[-1]
    replace_onnxruntime(tmp_path, WRONG_ONNX_RUNTIME.format(batch=1, classes=classes), monkeypatch)
    error = mismatch("verify", ONNX)
    assert error.startswith("error: y: output differs from ONNX Runtime 9.9; first at [0, 0], ")
    assert " where 7 is right" in error
    error = mismatch("compile", ONNX, "--verify", "-o", tmp_path / "program")
    assert "differs from ONNX Runtime 9.9" in error
    assert not (tmp_path / "program").exists()


def test_onnx_runtime_gives_another_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_onnxruntime(tmp_path, WRONG_ONNX_RUNTIME.format(batch=1, classes=1), monkeypatch)
    assert re.search(
        r"output has shape \[1, \d+\]; ONNX Runtime 9\.9 gives \[1, 1\]$",
        mismatch("verify", ONNX),
    )


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("raise ImportError('it is not here')", "it is not here"),
        ("raise SystemExit(5)", f"{sys.executable} ended with status 5"),
    ],
)
def test_onnx_runtime_is_left_out(module: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_onnxruntime(tmp_path, module, monkeypatch)
    assert run_ok(VITC, "verify", ONNX).endswith(f"\nONNX Runtime was left out: {reason}\n")


def test_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITC_PYTHON", "no-such-python")
    assert "\nONNX Runtime was left out: no-such-python: " in run_ok(VITC, "verify", ONNX)


# --- compile --verify ---------------------------------------------------------


def test_compile_verifies(tmp_path: Path, backend: str) -> None:
    run_ok(
        VITC,
        "compile",
        SWIN,
        "--verify",
        f"--backend={backend}",
        "-o",
        tmp_path / "program",
    )
    assert (tmp_path / "program").is_file()


def test_mismatch_writes_nothing(tmp_path: Path) -> None:
    error = mismatch("compile", VIT, "--verify", "-o", tmp_path / "program", "--tolerance=1e-12")
    assert "differs from the reference" in error
    assert not list(tmp_path.iterdir())


def test_compile_options_of_verify(tmp_path: Path) -> None:
    def message(*options: str) -> str:
        return error_line(VITC, "compile", VIT, "-o", tmp_path / "program", *options, code=2)

    assert "--tolerance is '-1'; needs a number above 0" in message("--verify", "--tolerance=-1")
    assert "compile compares only with --verify; found -tolerance" in message("--tolerance=1")
    assert "compile has its kernels and inputs from MODEL; found -input" in message("--verify", "--input=x=y.npy")
    assert "compile writes a program and no report; found -json" in message("--json")


# --- Mistakes -----------------------------------------------------------------


def test_wrong_options(tmp_path: Path) -> None:
    def message(*options: str | Path) -> str:
        return error_line(VITC, "verify", *options, code=2)

    assert "verify writes no program; found -o" in message(VIT, "-o", tmp_path / "program")
    assert "--tolerance is '0'; needs a number above 0" in message(VIT, "--tolerance=0")
    assert "--tolerance is 'x'; needs a number above 0" in message(VIT, "--tolerance=x")
    assert "--input is 'x'; needs NAME=FILE.npy" in message(VIT, "--input=x")
    assert "verify has one form of report; found -json" in message(VIT, "--json")
    dump(VIT, "kernel", tmp_path / "kernel.mlir")
    assert "--compile-from is 'kernel'; the reference is made of import or raise" in message(
        tmp_path / "kernel.mlir", "--compile-from=kernel"
    )


def test_values_larger_than_memory() -> None:
    error = error_line(VITC, "verify", SIGNDIGITS / "model", "--batch=1000000000", code=1)
    assert re.search(
        r"every value, [\d.]+ GB for a batch of 1000000000; this machine has [\d.]+ GB$",
        error,
    )


def test_candidate_of_another_model(tmp_path: Path) -> None:
    dump(SWIN, "kernel", tmp_path / "kernel.mlir")
    error = error_line(
        VITC,
        "verify",
        SIGNDIGITS / "model",
        f"--candidate={tmp_path / 'kernel.mlir'}",
        code=1,
    )
    assert "the candidate is '(tensor<?x3x32x32xf32>) -> tensor<?x3xf32>'; the model is" in error
    error = error_line(
        VITC,
        "verify",
        SIGNDIGITS / "model",
        f"--candidate={tmp_path / 'none.mlir'}",
        code=1,
    )
    assert "none.mlir" in error
