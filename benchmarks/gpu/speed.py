# ===- speed.py - Programs on the GPU beside PyTorch -----------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times models and their products, in rounds in which vitc and PyTorch follow each other directly.

A ratio is formed within a round and its median taken over rounds: clocks change while a GPU is busy. Without PyTorch
vitc is timed alone.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import selectors
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from carried import GEMM, GpuBenchmarkError, TimedModel, name_product, restore_weights, run_command

# Seconds for an answer of PyTorch's process: where it compiles a model, and else.
COMPILE_SECONDS, ANSWER_SECONDS = 900.0, 120.0
BF16_BYTES = 2


@dataclasses.dataclass(frozen=True)
class Settings:
    batches: list[int]
    rounds: int
    min_time: float  # seconds of one measurement of vitc
    deadline: float  # of time.monotonic()

    def has_time(self) -> bool:
        return time.monotonic() < self.deadline


@dataclasses.dataclass(frozen=True)
class ModelTime:
    """Of a run of the whole batch; the medians over rounds, None where there is none."""

    model: str
    precision: str
    batch: int
    vitc_ms: float  # on the GPU
    vitc_end_to_end_ms: float  # with copies of inputs and outputs
    images_per_second: float
    torch_ms: float | None
    torch_per_vitc: float | None
    note: str


@dataclasses.dataclass(frozen=True)
class ProductTime:
    """Of all rows of a batch. vitc's time has the norm before and the activation behind in it, torch's the product."""

    model: str
    batch: int
    kernel: str
    rows: int
    outputs: int
    inputs: int
    vitc_ms: float
    torch_ms: float | None
    torch_per_vitc: float | None
    # The least time by the GPU's measured rates, as a part of vitc's.
    roofline: float | None


class TorchProcess:
    """torch_peer.py; ended by its first answer that does not come in time, and then started anew."""

    def __init__(self, script: Path) -> None:
        self.script = script
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> TorchProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, request: dict, seconds: float = ANSWER_SECONDS) -> dict:
        """Raises GpuBenchmarkError: PyTorch's reason, or no answer came in time."""
        if not self.process:
            self.process = subprocess.Popen(
                [sys.executable, self.script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(self.process.stdout, selectors.EVENT_READ)
                # An answer is one line, written at once.
                line = self.process.stdout.readline() if selector.select(seconds) else None
        except OSError as error:
            line = ""
            reason = error.strerror
        else:
            reason = "it ended"
        if not line:
            self.end()
            raise GpuBenchmarkError(
                f"PyTorch: no answer within {seconds:g} seconds" if line is None else f"PyTorch: {reason}"
            )
        reply = json.loads(line)
        if "error" in reply:
            raise GpuBenchmarkError(f"PyTorch: {reply['error']}")
        return reply


def median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def parse_json(program: Path, text: str) -> dict:
    try:
        return json.loads(text)
    except ValueError as error:
        raise GpuBenchmarkError(f"{program.name} wrote no JSON: {error}") from None


def benchmark(program: Path, batch: int, min_time: float) -> dict:
    command = [program, "--benchmark", "--batch", str(batch), "--min-time", str(min_time), "--json", "-"]
    return parse_json(program, run_command(command, 60 + 10 * min_time))


def measure_model(
    model: TimedModel, program: Path, batch: int, torch: TorchProcess | None, settings: Settings
) -> ModelTime:
    own, torchs, ratios, note = [], [], [], ""
    request = {"do": "model", "name": model.name, "batch": batch}
    if torch:
        try:
            torch.ask(request, COMPILE_SECONDS)
        except GpuBenchmarkError as error:
            torch, note = None, str(error)
    for _ in range(settings.rounds):
        own.append(benchmark(program, batch, settings.min_time))
        if not torch:
            continue
        try:
            torchs.append(torch.ask(request)["median_ms"])
            ratios.append(torchs[-1] / own[-1]["median_ms"])
        except GpuBenchmarkError as error:
            torch, note = None, str(error)
    milliseconds = statistics.median(each["median_ms"] for each in own)
    return ModelTime(
        model=model.name,
        precision=model.precision,
        batch=batch,
        vitc_ms=milliseconds,
        vitc_end_to_end_ms=statistics.median(each["end_to_end_ms"] for each in own),
        images_per_second=batch / milliseconds * 1e3,
        torch_ms=median(torchs),
        torch_per_vitc=median(ratios),
        note=note,
    )


@dataclasses.dataclass(frozen=True)
class Product:
    kernel: str
    rows: int
    outputs: int
    inputs: int


def profile_products(program: Path, model: TimedModel, batch: int, folder: Path) -> dict[Product, float]:
    """The median milliseconds of the launches of each product."""
    trace = folder / "trace.json"
    run_command([program, "--profile", trace, "--batch", str(batch)], 120)
    launches: dict[Product, list[float]] = {}
    for event in parse_json(program, trace.read_text())["traceEvents"]:
        kernel = event.get("args", {}).get("kernel", "")
        match = GEMM.match(kernel)
        if event["ph"] != "X" or not match:
            continue
        outputs, inputs = map(int, match.groups())
        rows = model.rows.get(name_product(event["name"], outputs, inputs))
        if rows:
            product = Product(kernel, batch * rows, outputs, inputs)
            launches.setdefault(product, []).append(event["dur"] / 1e3)
    return {product: statistics.median(times) for product, times in launches.items()}


def least_milliseconds(product: Product, ceilings: dict) -> float:
    rows, outputs, inputs = product.rows, product.outputs, product.inputs
    moved = BF16_BYTES * (rows * inputs + outputs * inputs + rows * outputs)
    operations = 2 * rows * outputs * inputs
    return max(operations / ceilings["flops_per_second"], moved / ceilings["bytes_per_second"]) * 1e3


def measure_products(
    model: TimedModel, program: Path, batch: int, torch: TorchProcess | None, settings: Settings, ceilings: dict | None
) -> tuple[list[ProductTime], str]:
    """The products, and why PyTorch's were not measured or no longer; "" where all were, or there is no PyTorch."""
    note = ""
    own: dict[Product, list[float]] = {}
    torchs: dict[Product, list[float]] = {}
    ratios: dict[Product, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="vitc-gpu-profile-") as folder:
        for _ in range(settings.rounds):
            for product, milliseconds in profile_products(program, model, batch, Path(folder)).items():
                own.setdefault(product, []).append(milliseconds)
                if not torch:
                    continue
                request = {"do": "product", "rows": product.rows, "outputs": product.outputs, "inputs": product.inputs}
                try:
                    torchs.setdefault(product, []).append(torch.ask(request)["median_ms"])
                    ratios.setdefault(product, []).append(torchs[product][-1] / milliseconds)
                except GpuBenchmarkError as error:
                    torch, note = None, str(error)
    times_of_products = [
        ProductTime(
            model=model.name,
            batch=batch,
            **dataclasses.asdict(product),
            vitc_ms=statistics.median(times),
            torch_ms=median(torchs.get(product, [])),
            torch_per_vitc=median(ratios.get(product, [])),
            roofline=least_milliseconds(product, ceilings) / statistics.median(times) if ceilings else None,
        )
        for product, times in own.items()
    ]
    return times_of_products, note


def measure(carried: Path, models: list[TimedModel], settings: Settings, work: Path, say: Callable) -> dict:
    """{"torch", "ceilings", "models", "products", "failures": of vitc's programs, "left_out": for another reason}."""
    results: dict = {"torch": None, "ceilings": None, "models": [], "products": [], "failures": [], "left_out": []}

    def fail(text: str) -> None:
        results["failures"].append(text)
        say(f"FAILED: {text}")

    def leave_out(text: str) -> None:
        results["left_out"].append(text)
        say(f"not measured: {text}")

    with TorchProcess(carried / "torch_peer.py") as process:
        torch = process if importlib.util.find_spec("torch") else None
        if torch:
            try:
                results["torch"] = torch.ask({"do": "versions"})
                results["ceilings"] = torch.ask({"do": "ceilings"})
            except GpuBenchmarkError as error:
                leave_out(str(error))
                torch = None
        for model in models:
            program = work / model.name
            source = carried / "speed" / model.name / "program"
            try:
                restore_weights(source, program, model.weights_offset, model.weights_bytes)
            except GpuBenchmarkError as error:
                fail(f"{model.name}: {error}")
                continue
            for batch in settings.batches:
                label = f"{model.name} at batch {batch}"
                if not settings.has_time():
                    leave_out(f"{label}: no time was left")
                    continue
                try:
                    time_of_model = measure_model(model, program, batch, torch, settings)
                    results["models"].append(dataclasses.asdict(time_of_model))
                    say(f"{label}: {time_of_model.vitc_ms:.3f} ms, PyTorch {time_of_model.torch_ms}")
                    products, note = measure_products(model, program, batch, torch, settings, results["ceilings"])
                except GpuBenchmarkError as error:
                    fail(f"{label}: {error}")
                    continue
                results["products"] += [dataclasses.asdict(product) for product in products]
                if note:
                    leave_out(f"products of {label}: {note}")
            program.unlink()
    return results
