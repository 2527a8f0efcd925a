# ===- onnx_text.py - ONNX files from their textual form -------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Writes the models in a test, FOLDER/NAME.onnx each: onnx_text.py TEST FOLDER.

A model starts behind a line `#--- NAME` or `#--- NAME opset N` (18 if not given), is a graph as onnx.parser reads it,
and ends with the first line that ends in a closing brace.
"""

import re
import sys
from pathlib import Path

import onnx.parser

folder = Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
models = re.finditer(r"^#--- (\S+)(?: opset (\d+))?\n(.*?\}\n)", Path(sys.argv[1]).read_text(), re.M | re.S)
for name, opset, graph in (model.groups() for model in models):
    header = f'<ir_version: 8, opset_import: ["": {opset or 18}, "com.microsoft": 1]>'
    onnx.save(onnx.parser.parse_model(header + graph), folder / f"{name}.onnx")
