# ===- test_onnx_nodes.py - ONNX's own node tests -------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The node tests that come with the onnx package, through `vitc run`, with their own tolerances.

Among them are the expansions of each op to primitive ones, as onnx defines them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import operators
from onnx import TensorProto

import harness

# Case: why it fails. A test that is missing here, and one that passes, are both errors.
KNOWN_FAILURES: dict[str, str] = {
    "test_not_2d": "opset 1",
    "test_not_3d": "opset 1",
    "test_not_4d": "opset 1",
    "test_scan_sum": "opset 8, where Scan is another op",
    "test_training_dropout": "training",
    "test_training_dropout_default": "training",
    "test_training_dropout_default_mask": "training",
    "test_training_dropout_mask": "training",
    "test_training_dropout_zero_ratio": "training",
    "test_training_dropout_zero_ratio_mask": "training",
}

# The types of the share below; cases of the others that vitc computes with run too.
COMMON_TYPES = {TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL}
TYPES = COMMON_TYPES | {
    TensorProto.DOUBLE,
    TensorProto.INT8,
    TensorProto.INT16,
    TensorProto.UINT8,
    TensorProto.UINT16,
    TensorProto.UINT32,
    TensorProto.UINT64,
}

# The share of all cases that has to pass.
REQUIRED_SHARE = 0.95


def ops_of(graph: onnx.GraphProto) -> set[str]:
    ops = set()
    for node in graph.node:
        ops.add(f"{node.domain}:{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                ops |= ops_of(attribute.g)
    return ops


def types_of(graph: onnx.GraphProto) -> set[int]:
    """The element types of inputs and outputs; UNDEFINED where one is no tensor."""
    return {value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]}


@cache
def cases_by_op() -> dict[str, list]:
    """The cases all of whose ops vitc imports, by their first op."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = [case for case in collect_testcases() if case.model is not None]
    known = set(operators.imported_ops())
    result: dict[str, list] = {}
    for case in cases:
        graph = case.model.graph
        if ops_of(graph) <= known and types_of(graph) <= TYPES:
            result.setdefault(graph.node[0].op_type, []).append(case)
    return result


def all_cases() -> list:
    return [case for cases in cases_by_op().values() for case in cases]


def to_array(data) -> np.ndarray:
    """A case has arrays, or tensors as a file has them."""
    return onnx.numpy_helper.to_array(data) if isinstance(data, TensorProto) else np.asarray(data)


def failure_of(case, directory: Path) -> str | None:
    """What is wrong with the outputs of a case, if anything."""
    model = directory / "model.onnx"
    directory.mkdir()
    onnx.save(case.model, model)
    inputs, expected = case.data_sets[0]
    command = [harness.VITC, "run", model]
    names = [value.name for value in case.model.graph.input]
    for index, (name, data) in enumerate(zip(names, inputs, strict=True)):
        path = directory / f"input{index}.npy"
        np.save(path, to_array(data))
        command += ["--input", f"{name}={path}"]
    out = directory / "out"
    result = harness.run(*command, "--output-dir", out)
    if result.returncode != 0:
        return f"exit {result.returncode}: {result.stderr.strip()}"
    for value, reference in zip(case.model.graph.output, expected, strict=True):
        actual = np.load(out / f"{value.name}.npy")
        reference = to_array(reference)
        if actual.dtype != reference.dtype or actual.shape != reference.shape:
            return f"{value.name} is {actual.dtype}{actual.shape}, not {reference.dtype}{reference.shape}"
        try:
            np.testing.assert_allclose(actual, reference, rtol=case.rtol, atol=case.atol)
        except AssertionError as error:
            return f"{value.name}: {' '.join(str(error).split())}"
    return None


@cache
def failures() -> dict[str, str]:
    """Every case that fails, and why."""
    cases = all_cases()
    folder = Path(tempfile.mkdtemp())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda case: failure_of(case, folder / case.name), cases))
    shutil.rmtree(folder)
    return {case.name: why for case, why in zip(cases, results, strict=True) if why is not None}


def test_node_cases() -> None:
    unexpected = {name: why for name, why in failures().items() if name not in KNOWN_FAILURES}
    assert not unexpected, "\n".join(f"{name}: {why}" for name, why in unexpected.items())
    mended = KNOWN_FAILURES.keys() - failures().keys()
    assert not mended, f"{mended} pass; take them off KNOWN_FAILURES"


def test_known_failures_are_cases() -> None:
    assert {case.name for case in all_cases()}.issuperset(KNOWN_FAILURES)


def test_most_cases_pass() -> None:
    names = [case.name for case in all_cases() if types_of(case.model.graph) <= COMMON_TYPES]
    assert len(names) >= 1000, "onnx brings fewer cases than this test was made for"
    failed = sum(name in failures() for name in names)
    print(f"{len(names) - failed} of {len(names)} cases of the common types pass")
    assert failed <= (1 - REQUIRED_SHARE) * len(names)
