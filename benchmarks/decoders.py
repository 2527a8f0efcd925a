# ===- decoders.py - Translation and captions beside other runtimes --------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Times models that generate text.

    python benchmarks/decoders.py --threads 1                     # 64 tokens of a Transformer with N = 6, d = 512
    python benchmarks/decoders.py seq2seq.onnx caption.onnx       # and these whole models beside the peers

The Transformer's tokens are stepped by vitc's program itself and, one run with past keys and values a token, by ONNX
Runtime; both must choose the same tokens. The bandwidth is what the weights that a step reads take of what the machine
reads from memory, measured in the same pair. Models that are given are those of models.py, compared as compare.py does.

Exit codes: 0 done, 1 a step did not work or a result differs, 2 bad command line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import compare
import decoder_model
import machine
import model_file
import report
from contenders import REPO, Settings
from machine import BenchmarkError, run
from options import positive, seconds
from report import align, format_threads, quartiles

SOURCE_TOKENS = 64
TOKENS = 64
PEERS = ["openvino"]


@dataclasses.dataclass
class Pair:
    """Milliseconds of all tokens behind the encoder, and what the machine read in between."""

    vitc_ms: float
    peer_ms: float
    read_gb_per_s: float


class Stepper:
    """ONNX Runtime with the encoder's results and the caches kept in its own memory."""

    def __init__(self, folder: Path, source: np.ndarray, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        self.value = onnxruntime.OrtValue.ortvalue_from_numpy

        def load(name: str):
            return onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])

        encoder = load("encoder.onnx")
        names = [output.name for output in encoder.get_outputs()]
        results = encoder.run_with_ort_values(names, {"input_ids": self.value(source)})
        self.memory = dict(zip(names, results))
        self.step = load("step.onnx")
        self.outputs = [output.name for output in self.step.get_outputs()]

    def decode(self, tokens: int) -> list[int]:
        """So many tokens, each the most probable one."""
        shape = (1, decoder_model.HEADS, 0, decoder_model.WIDTH // decoder_model.HEADS)
        names = [name for name in self.outputs if name != "logits"]
        past = {name.replace("present", "past"): self.value(np.zeros(shape, np.float32)) for name in names}
        chosen = [decoder_model.START]
        for position in range(tokens):
            feeds = {**self.memory, **past}
            feeds["token"] = self.value(np.array([[chosen[-1]]]))
            feeds["position"] = self.value(np.array([position]))
            results = dict(zip(self.outputs, self.step.run_with_ort_values(self.outputs, feeds)))
            past = {name.replace("present", "past"): results[name] for name in names}
            chosen.append(int(results["logits"].numpy().argmax()))
        return chosen[1:]


def time_program(program: Path, settings: Settings) -> float:
    """Milliseconds of a program's tokens: a whole run without its encoder."""
    command = [program, "--threads", str(settings.threads), "--min-time", str(settings.min_time)]

    def median(*options: str) -> float:
        result = json.loads(run([*command, "--benchmark", *options, "--json", "-"]))
        # The search goes on to the longest length; the encoder gives none.
        if result.get("tokens", TOKENS) != TOKENS:
            raise BenchmarkError(f"the program generates {result['tokens']} tokens; {TOKENS} are needed")
        return result["median_ms"]

    return median() - median("--entry", "encode")


def time_stepper(stepper: Stepper, min_time: float) -> float:
    """Median milliseconds of the peer's tokens."""
    times: list[float] = []
    begin = time.perf_counter()
    while not times or time.perf_counter() - begin < min_time:
        start = time.perf_counter()
        stepper.decode(TOKENS)
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times))


def check_tokens(program: Path, stepper: Stepper, source: Path, settings: Settings, folder: Path) -> None:
    """Raises BenchmarkError unless both choose the same tokens."""
    mask = folder / "mask.npy"
    np.save(mask, np.ones((1, SOURCE_TOKENS), np.int64))
    results = folder / "results"
    inputs = ["--input", f"input_ids={source}", "--input", f"attention_mask={mask}"]
    run([program, *inputs, "--threads", str(settings.threads), "--output-dir", results])
    ours = np.load(results / "tokens.npy")[0].tolist()
    theirs = stepper.decode(TOKENS)
    if ours != theirs:
        same = next((at for at, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), min(len(ours), TOKENS))
        raise BenchmarkError(f"the tokens differ from ONNX Runtime's behind {same} of {TOKENS}; all must agree")


def measure_steps(rounds: int, settings: Settings, folder: Path) -> dict:
    """{"step_bytes", "pairs"} of the Transformer."""
    weights = decoder_model.make_weights()
    decoder_model.write_folder(weights, folder / "model")
    decoder_model.write_onnx(weights, folder, SOURCE_TOKENS)
    source = folder / "source.npy"
    np.save(source, np.random.default_rng(1).integers(1, decoder_model.START, (1, SOURCE_TOKENS)))
    program = folder / "translate"
    lengths = [f"--max-length={TOKENS + 1}", f"--max-source-length={SOURCE_TOKENS}"]
    run([settings.vitc, folder / "model", "-o", program, "-march=native", "--batch=1", *lengths])
    stepper = Stepper(folder, np.load(source), settings.threads)
    check_tokens(program, stepper, source, settings, folder)
    pairs = []
    for number in range(rounds):
        compare.say(f"decode: round {number + 1} of {rounds}")
        measures = [
            lambda: time_program(program, settings),
            lambda: machine.measure_read(settings.tools, settings.threads),
            lambda: time_stepper(stepper, settings.min_time),
        ]
        # The bandwidth stays in the middle.
        values = [measure() for measure in (reversed(measures) if number % 2 else measures)]
        ours, read, theirs = reversed(values) if number % 2 else values
        pairs.append(Pair(ours, theirs, read))
    compare.say("")
    return {"step_bytes": decoder_model.step_bytes(weights), "pairs": pairs}


def format_steps(measured: dict, threads: int) -> str:
    """The table of the Transformer."""
    pairs = measured["pairs"]
    per_token = measured["step_bytes"] * TOKENS / 1e6  # of all tokens: bytes per millisecond make GB/s

    def cells(name: str, times: list[float], ratios: list[float] | None) -> list[str]:
        low, median, high = quartiles(times)
        shares = quartiles([per_token / time / pair.read_gb_per_s for time, pair in zip(times, pairs)])
        row = [name, f"{median:.1f}", f"{low:.1f}-{high:.1f}", f"{100 * shares[1]:.0f}"]
        if not ratios:
            return [*row, f"{100 * shares[0]:.0f}-{100 * shares[2]:.0f}", "", ""]
        low, median, high = quartiles(ratios)
        return [*row, f"{100 * shares[0]:.0f}-{100 * shares[2]:.0f}", f"{median:.2f}", f"{low:.2f}-{high:.2f}"]

    columns = ["program", "median ms", "quartiles", "% of bandwidth", "quartiles", "peer/vitc", "quartiles"]
    ours = [pair.vitc_ms for pair in pairs]
    theirs = [pair.peer_ms for pair in pairs]
    ratios = [pair.peer_ms / pair.vitc_ms for pair in pairs]
    read = quartiles([pair.read_gb_per_s for pair in pairs])[1]
    title = (
        f"{TOKENS} tokens of a Transformer with N = {decoder_model.LAYERS}, d = {decoder_model.WIDTH}, "
        f"{format_threads(threads)}: {measured['step_bytes'] / 1e6:.1f} MB of weights a token, {read:.1f} GB/s"
    )
    rows = align([columns, cells("vitc", ours, None), cells("ONNX Runtime, past inputs", theirs, ratios)])
    return "\n".join([title, *rows])


def compare_models(models: list[str], rounds: int, settings: Settings) -> list[dict]:
    """Prints and returns the comparison of whole models."""
    results = []
    for model in model_file.find_models(models):
        with tempfile.TemporaryDirectory(prefix="vitc-decoders-") as folder:
            measured = compare.compare(model, PEERS, rounds, settings, Path(folder))
        rows = [report.summarize(measured, contender) for contender in measured.contenders]
        print(f"\n{report.format_table(measured, rows)}", flush=True)
        results.append({**dataclasses.asdict(measured), "rows": rows})
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="FILE.onnx or a folder of such files")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of every program (default 1)")
    parser.add_argument("--rounds", type=positive, default=11, metavar="N", help="pairs (default 11)")
    parser.add_argument("--min-time", type=seconds, default=1.0, metavar="S", help="of one measurement (default 1)")
    parser.add_argument("--build-dir", type=Path, default=REPO / "build", metavar="DIR", help="has bin/vitc")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    options = parser.parse_args(arguments)
    tools = options.build_dir / "benchmarks"
    try:
        vitc = machine.find_vitc(options.build_dir)
        settings = Settings(vitc, tools, options.threads, batch=1, min_time=options.min_time)
        if options.models:
            compare.choose_peers(PEERS, options.build_dir)
        machine.build_tools(tools)
        described = machine.describe(vitc)
        print(f"{described['cpu']}, {described['cpus']} CPUs, load {described['load'][0]:.1f}")
        with tempfile.TemporaryDirectory(prefix="vitc-decoders-") as folder:
            steps = measure_steps(options.rounds, settings, Path(folder))
        print(format_steps(steps, options.threads), flush=True)
        models = compare_models(options.models, options.rounds, settings)
        if options.json:
            steps = {**steps, "pairs": [dataclasses.asdict(pair) for pair in steps["pairs"]]}
            result = {"machine": described, "steps": steps, "models": models}
            options.json.write_text(json.dumps(result, indent=2) + "\n")
    except (BenchmarkError, ValueError, OSError) as error:
        compare.say("")
        print(f"decoders.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
