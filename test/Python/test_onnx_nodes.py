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
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

import harness

OPS = (
    "Attention",
    "Concat",
    "Gather",
    "Gelu",
    "Gemm",
    "LayerNormalization",
    "MatMul",
    "RMSNormalization",
    "Reshape",
    "Resize",
    "RotaryEmbedding",
    "Slice",
    "Softmax",
    "Split",
    "Transpose",
)

# Case: why it fails. A test that is missing here, and one that passes, are both errors.
KNOWN_FAILURES: dict[str, str] = {
    "test_gemm_default_scalar_bias": "an input of rank 0",
    "test_matmul_1d_1d": "an output of rank 0",
    "test_reshape_allowzero_reordered": "an input without elements",
    "test_slice_start_out_of_bounds": "an output without elements",
    "test_split_zero_size_splits_opset13": "an input without elements",
    "test_split_zero_size_splits_opset18": "an input without elements",
}

# The share of all cases that has to pass.
REQUIRED_SHARE = 0.95


@cache
def cases_by_op() -> dict[str, list]:
    """Every case of OPS whose data are f32, f64, integers and bools; for Attention onnx has f16 and bf16 too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = [case for case in collect_testcases() if case.model is not None]
    op_of = {case.name: case.model.graph.node[0].op_type for case in cases if len(case.model.graph.node) == 1}
    result: dict[str, list] = {op: [] for op in OPS}
    for case in cases:
        op = op_of.get(case.name.split("_expanded")[0])
        if op in result and all(str(np.asarray(x).dtype) not in ("float16", "bfloat16") for x in case.data_sets[0][0]):
            result[op].append(case)
    return result


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
        np.save(path, data)
        command += ["--input", f"{name}={path}"]
    out = directory / "out"
    result = harness.run(*command, "--output-dir", out)
    if result.returncode != 0:
        return f"exit {result.returncode}: {result.stderr.strip()}"
    for value, reference in zip(case.model.graph.output, expected, strict=True):
        actual = np.load(out / f"{value.name}.npy")
        reference = np.asarray(reference)
        if actual.dtype != reference.dtype or actual.shape != reference.shape:
            return f"{value.name} is {actual.dtype}{actual.shape}, not {reference.dtype}{reference.shape}"
        try:
            np.testing.assert_allclose(actual, reference, rtol=case.rtol, atol=case.atol)
        except AssertionError as error:
            return f"{value.name}: {' '.join(str(error).split())}"
    return None


@pytest.mark.parametrize("op", OPS)
def test_node_cases(op: str, tmp_path: Path) -> None:
    cases = cases_by_op()[op]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = dict(
            zip(
                (case.name for case in cases),
                pool.map(lambda case: failure_of(case, tmp_path / case.name), cases),
                strict=True,
            )
        )
    failures = {name: why for name, why in failures.items() if why is not None}
    print(f"{op}: {len(cases) - len(failures)} of {len(cases)} pass")
    unexpected = {name: why for name, why in failures.items() if name not in KNOWN_FAILURES}
    assert not unexpected, "\n".join(f"{name}: {why}" for name, why in unexpected.items())
    mended = [case.name for case in cases if case.name in KNOWN_FAILURES and case.name not in failures]
    assert not mended, f"{mended} pass; take them off KNOWN_FAILURES"


def test_known_failures_are_few() -> None:
    names = {case.name for cases in cases_by_op().values() for case in cases}
    assert names.issuperset(KNOWN_FAILURES), "a known failure is no case"
    assert len(names) >= 350, "onnx brings fewer cases than this test was made for"
    assert len(KNOWN_FAILURES) <= (1 - REQUIRED_SHARE) * len(names)
