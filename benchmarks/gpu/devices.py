# ===- devices.py - Which GPU there is -------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Asks NVIDIA's driver for the first GPU, its name and its compute capability."""

from __future__ import annotations

import ctypes
import dataclasses
import re

from carried import GpuBenchmarkError, run_command

LIBRARY = "libcuda.so.1"
# CUdevice_attribute: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
CAPABILITY = (75, 76)
NAME_BYTES = 256


@dataclasses.dataclass(frozen=True)
class Device:
    name: str
    capability: tuple[int, int]
    # As NVIDIA names it, such as "580.159.04"; where nvidia-smi is not there, "CUDA 13.0", what it is for.
    driver: str

    def runs(self, architecture: str) -> bool:
        """Whether it runs code for "sm_80" or "sm_90a"; the latter is for one capability alone."""
        match = re.fullmatch(r"sm_(\d+)(\d)([af]?)", architecture)
        if not match:
            return False
        needed = int(match[1]), int(match[2])
        return self.capability == needed if match[3] else self.capability >= needed


def find_device() -> Device:
    """Raises GpuBenchmarkError: there is no driver, or it finds no GPU."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise GpuBenchmarkError(f"found no NVIDIA driver ({error}); a machine with an NVIDIA GPU is needed") from None

    def call(name: str, *arguments: object) -> None:
        result = getattr(library, name)(*arguments)
        if result:
            raise GpuBenchmarkError(
                f"the NVIDIA driver returns error {result} from {name}; a machine with an NVIDIA GPU is needed"
            )

    number, device, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    call("cuInit", ctypes.c_uint(0))
    call("cuDeviceGetCount", ctypes.byref(number))
    if number.value < 1:
        raise GpuBenchmarkError("the NVIDIA driver finds no GPU; a machine with one is needed")
    call("cuDeviceGet", ctypes.byref(device), 0)
    name = ctypes.create_string_buffer(NAME_BYTES)
    call("cuDeviceGetName", name, NAME_BYTES - 1, device)
    values = []
    for attribute in CAPABILITY:
        value = ctypes.c_int()
        call("cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
        values.append(value.value)
    call("cuDriverGetVersion", ctypes.byref(version))
    return Device(name.value.decode(), (values[0], values[1]), name_driver(version.value))


def name_driver(version: int) -> str:
    try:
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
        return run_command(command, 30).strip()
    except GpuBenchmarkError:
        return f"CUDA {version // 1000}.{version % 1000 // 10}"
