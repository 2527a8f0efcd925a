# ===- summary.py - The results of a whole run as Markdown and plots -------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Turns what run.py measured, as it stands in its JSON file, into tables and plots."""

from __future__ import annotations

import attention_blocks
import limits
import plots
import sequence
from contenders import PEERS
from report import SIZE_COLUMNS, format_sizes, format_threads

# Kernels with the largest losses that a model's table names.
TOP_KERNELS = 5
# Headings of columns that are no numbers.
NAMES = {"attention", "kernels", "model", "program"}
# Classes of kernels that lose less of a model's time are left out of the table of all models.
LEAST_LOSS = 0.002
# Tables of docs/performance.md.
TABLES = ["speed", "sizes", "losses", "sequence"]


def format_markdown(cells: list[list[str]]) -> str:
    """A table; columns of names are to the left, numbers to the right."""
    heading, *rows = cells
    lines = [heading, ["---" if name in NAMES else "---:" for name in heading], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def row_of(model: dict, name: str) -> dict | None:
    return next((row for row in model["rows"] if row["name"] == name), None)


def peers_of(results: dict) -> list[str]:
    measured = {row["name"] for model in results["models"] for row in model["rows"]}
    return [name for name in PEERS if name in measured]


def format_quartiles(values: list[float], digits: int) -> str:
    low, median, high = (f"{value:.{digits}f}" for value in values)
    return f"{median} ({low}-{high})"


def thread_gain(results: dict, model: dict) -> float | None:
    """What threads gain over one thread, as a part of what they gain in the machine's peak."""
    alone = next((each for each in results["models"] if (each["model"], each["threads"]) == (model["model"], 1)), None)
    if not alone or model["threads"] == 1:
        return None
    return row_of(model, "vitc")["share_quartiles"][1] / row_of(alone, "vitc")["share_quartiles"][1]


def speed_table(results: dict) -> list[list[str]]:
    peers = peers_of(results)
    cells = [
        ["model", "threads", "GFLOP", "vitc ms", *(f"{name}/vitc" for name in peers), "% of peak", "gain/peak's gain"]
    ]
    for model in results["models"]:
        vitc = row_of(model, "vitc")
        gain = thread_gain(results, model)
        rows = [row_of(model, name) for name in peers]
        cells.append(
            [
                model["model"],
                str(model["threads"]),
                f"{model['flops'] / 1e9:.2f}",
                f"{vitc['median_ms']:.2f}",
                *(format_quartiles(row["ratio_quartiles"], 3) if row else "" for row in rows),
                format_quartiles([100 * share for share in vitc["share_quartiles"]], 1),
                f"{gain:.3f}" if gain else "",
            ]
        )
    return cells


def at_fewest_threads(results: dict) -> list[dict]:
    """The models at the fewest threads that were measured."""
    threads = min(model["threads"] for model in results["models"])
    return [model for model in results["models"] if model["threads"] == threads]


def size_table(results: dict) -> list[list[str]]:
    """Memory, start-up and size at the fewest threads."""
    cells = [["model", "program", *SIZE_COLUMNS]]
    for model in at_fewest_threads(results):
        cells += [[model["model"], row["name"], *format_sizes(row)] for row in model["rows"]]
    return cells


def loss_table(results: dict) -> list[list[str]]:
    """The classes of kernels of all models at the fewest threads, largest losses first."""
    cells = [["model", *limits.COLUMNS]]
    for model in at_fewest_threads(results):
        total = model["limits"]["total"]
        for row in [*sorted(model["limits"]["classes"], key=lambda row: -row["lost"]), total]:
            if row is total or row["lost"] >= LEAST_LOSS:
                cells.append([model["model"], *limits.format_losses(row)])
    return cells


def format_head(results: dict) -> str:
    machine = results["machine"]
    return (
        f"{results['date']}, {machine['cpu']}, {machine['cpus']} CPUs, load {machine['load'][0]:.1f} at the start; "
        f"{machine['vitc']}; f32"
    )


def format_summary(results: dict, images: list[str]) -> str:
    """The page beside the JSON file; `images` are the plots' file names."""
    parts = [
        f"# Results of {results['date']}",
        f"{format_head(results)}. [README.md](../README.md) explains the columns.",
        "## Speed",
        format_markdown(speed_table(results)),
        "## Memory, start-up, size",
        format_markdown(size_table(results)),
        "## Where the time goes",
    ]
    for model in results["models"]:
        measured = model["limits"]
        parts += [
            f"{model['model']}, {format_threads(model['threads'])}: {measured['milliseconds']:.2f} ms in kernels, "
            f"{100 * measured['between']:.1f} % of that between them; peak {measured['peak_gflops']:.1f} GFLOP/s",
            format_markdown(limits.format_rows(measured, TOP_KERNELS)),
        ]
    parts += ["## Sequence length", format_markdown(sequence.format_points(results["sequence"]))]
    parts += [f"![]({image})" for image in images]
    return "\n\n".join(parts) + "\n"


def check_page(page: str) -> None:
    """Checks that a page has a place for every table, between `<!-- NAME -->` and `<!-- end NAME -->`.

    Raises:
        ValueError: one is missing.
    """
    for name in TABLES:
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        if page.count(begin) != 1 or end not in page.partition(begin)[2]:
            raise ValueError(f"the page has no place for its table '{name}'; '{begin}' and '{end}' are needed")


def update_page(page: str, results: dict) -> str:
    """A page with its tables, each at its place, replaced.

    Raises:
        ValueError: the page has no place for one of them.
    """
    check_page(page)
    tables = [speed_table(results), size_table(results), loss_table(results)]
    tables.append(sequence.format_points(results["sequence"]))
    rounds = [results["rounds"], results["rounds"], limits.RUNS, sequence.ROUNDS]
    for name, cells, number in zip(TABLES, tables, rounds):
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, _, rest = page.partition(begin)
        behind = rest.partition(end)[2]
        page = f"{before}{begin}\n{format_head(results)}, {number} rounds.\n\n{format_markdown(cells)}\n{end}{behind}"
    return page


def plot_models(results: dict, threads: int) -> str:
    """Each program's part of the peak, model by model."""
    groups = []
    for model in results["models"]:
        if model["threads"] == threads:
            shares = [(row["name"], *(100 * share for share in row["share_quartiles"])) for row in model["rows"]]
            groups.append((model["model"], [plots.Bar(*share) for share in shares]))
    highest = max(bar.high for _, group in groups for bar in group)
    return plots.bars(
        f"Speed beside the machine's peak, {format_threads(threads)}",
        "% of the peak, by the operations of the model file",
        groups,
        max(100, 10 * -(-highest // 10)),
    )


def plot_sequence(results: dict) -> str:
    threads = format_threads(results["models"][0]["threads"])
    return sequence.plot(results["sequence"], f"One attention layer of width {attention_blocks.DIM}, {threads}")
