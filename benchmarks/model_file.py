# ===- model_file.py - The ONNX file and the inputs of a comparison --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Makes the ONNX file that the peers run, with a fixed batch, and random inputs of its shapes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from contenders import REPO, Settings
from machine import BenchmarkError, run

ZOO = "zoo:"


def find_models(arguments: list[str]) -> list[str]:
    """The models that arguments name: zoo:NAME, FILE.onnx, or a folder with such files.

    Raises:
        BenchmarkError: an argument is none of these.
    """
    models = []
    for argument in arguments:
        path = Path(argument)
        if argument.startswith(ZOO) or (path.is_file() and path.suffix == ".onnx"):
            models.append(argument)
            continue
        files = sorted(path.glob("*.onnx")) if path.is_dir() else []
        if not files:
            raise BenchmarkError(f"'{argument}' is no model; zoo:NAME, FILE.onnx or a folder of such files is needed")
        models += map(str, files)
    return models


def model_name(model: str) -> str:
    return model if model.startswith(ZOO) else Path(model).stem


def graph_inputs(model) -> list:
    """The inputs of an onnx.ModelProto that are not weights too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [source for source in model.graph.input if source.name not in weights]


def export(model: str, settings: Settings, folder: Path) -> Path:
    """The ONNX file of a model with the batch of `settings`: of the zoo, the file, or a copy of it.

    Raises:
        BenchmarkError: the file has another batch, or another size is open.
    """
    if model.startswith(ZOO):
        path = folder / "model.onnx"
        paths = [str(REPO / "python"), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-m", "vitc.zoo", model, "--onnx", path, "--batch", str(settings.batch)]
        run(command, env=environment)
        return path

    import onnx

    loaded = onnx.load(model, load_external_data=False)
    is_open = False
    for source in graph_inputs(loaded):
        dims = source.type.tensor_type.shape.dim
        if dims and not dims[0].HasField("dim_value"):
            dims[0].dim_value = settings.batch
            is_open = True
        if any(not dim.HasField("dim_value") for dim in dims):
            raise BenchmarkError(f"{model}: input '{source.name}' has an open size; only the batch may be open")
        if dims and dims[0].dim_value != settings.batch:
            raise BenchmarkError(
                f"{model}: input '{source.name}' has batch {dims[0].dim_value}; --batch={settings.batch} needs that"
            )
    if not is_open:
        return Path(model)
    onnx.load_external_data_for_model(loaded, str(Path(model).parent))
    for value in (*loaded.graph.output, *loaded.graph.value_info):
        # They follow from the inputs; the old ones would contradict.
        value.type.tensor_type.ClearField("shape")
    path = folder / "model.onnx"
    onnx.save_model(loaded, path, save_as_external_data=True, location="model.data")
    return path


def make_inputs(path: Path, folder: Path) -> dict[str, Path]:
    """Writes a .npy file for each input, by name: normally distributed floats, and integers of 0 and 1."""
    import onnx

    generator = np.random.default_rng(0)
    files = {}
    for number, source in enumerate(graph_inputs(onnx.load(path, load_external_data=False))):
        tensor = source.type.tensor_type
        shape = [dim.dim_value for dim in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        floats = np.issubdtype(dtype, np.floating)
        values = generator.standard_normal(shape, np.float32) if floats else generator.integers(0, 2, shape)
        files[source.name] = folder / f"input{number}.npy"
        np.save(files[source.name], values.astype(dtype))
    return files
