# ===- lit.cfg.py - The lit suite -----------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""The lit suite: vit-opt and vitc on small files, checked with FileCheck."""

import os
import shutil
import sys

import lit.formats

config.name = "vitc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Python", "Unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.vitc_build_dir, "test")

# vit-opt and vitc from the build tree, FileCheck and not from LLVM.
tool_dirs = [os.path.join(config.vitc_build_dir, "bin"), config.llvm_tools_dir]
config.environment["PATH"] = os.pathsep.join([*tool_dirs, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --dump-input-filter=error"

config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%signdigits", os.path.join(config.vitc_source_dir, "examples", "signdigits")))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "Python", "data", "models")))


def cpu_flags():
    """The instruction sets that Linux reports for the first core."""
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            return next((set(line.split()[2:]) for line in cpuinfo if line.startswith("flags")), set())
    except OSError:
        return set()


# Hardware and options a test may name in a REQUIRES: line.
if cpu_flags() >= {"avx2", "bmi2", "f16c", "fma"}:
    config.available_features.add("x86-64-v3")
if cpu_flags() >= {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}:
    config.available_features.add("x86-64-v4")
if config.vitc_enable_onednn.upper() in ("ON", "1", "TRUE", "YES"):
    config.available_features.add("onednn")
# As vitc looks for it.
toolkits = [os.environ[name] for name in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH") if name in os.environ]
ptxas_dirs = [os.environ["PATH"], *(os.path.join(toolkit, "bin") for toolkit in toolkits)]
if ptxas := shutil.which("ptxas", path=os.pathsep.join(ptxas_dirs)):
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
