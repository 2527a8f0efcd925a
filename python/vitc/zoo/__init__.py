# ===- __init__.py - Zoo models as files for other programs ----------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The models of `zoo:NAME` as files, to compare vitc with other programs.

vitc generates the weights of zoo models; this package generates the same ones, bit for bit, with numpy, and writes them
as a Hugging Face folder or as ONNX:

    python -m vitc.zoo vit-b --onnx vit-b.onnx --hf vit-b
    python -m vitc.zoo "vit?dim=192,depth=2,heads=3,pool=mean" --onnx small.onnx --batch dynamic
"""

from vitc.zoo.huggingface import write_huggingface
from vitc.zoo.names import parse
from vitc.zoo.onnx_file import write_onnx
from vitc.zoo.weights import weights

__all__ = ["parse", "weights", "write_huggingface", "write_onnx"]
