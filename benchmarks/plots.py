# ===- plots.py - Bars and lines as SVG ------------------------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Draws the two plots of the benchmarks as SVG text, so that they need no package."""

from __future__ import annotations

import dataclasses
import math
from html import escape

# Okabe and Ito's colours, which differ with any kind of colour blindness.
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"]
FONT = 13
WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 150, 30, 40, 50
BAR, GAP = 16, 14
LINES_HEIGHT = 460
LEGEND_LINE = 20


@dataclasses.dataclass(frozen=True)
class Series:
    """Points of one line; a reference is drawn dashed, without marks, in the colour of the series before it."""

    name: str
    points: list[tuple[float, float]]
    is_reference: bool = False


@dataclasses.dataclass(frozen=True)
class Bar:
    """A value with its quartiles."""

    series: str
    low: float
    value: float
    high: float


def _text(x: float, y: float, text: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def _document(height: float, title: str, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="{FONT}">'
    )
    background = f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>'
    heading = _text(WIDTH / 2, TOP / 2 + 5, title, "middle", ' font-weight="bold"')
    return "\n".join([head, background, heading, *parts, "</svg>"]) + "\n"


GRID = 'stroke="#dddddd"'


def bars(title: str, unit: str, groups: list[tuple[str, list[Bar]]], limit: float) -> str:
    """Horizontal bars from 0 to `limit`, in groups with a label each, whiskers at the quartiles."""
    names = list(dict.fromkeys(bar.series for _, group in groups for bar in group))
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    scale = (WIDTH - LEFT - RIGHT) / limit
    body, y = [], TOP + LEGEND_LINE + GAP
    for label, group in groups:
        middle = y + len(group) * BAR / 2 + FONT / 3
        body.append(_text(LEFT - 8, middle, label, "end"))
        for bar in group:
            end = LEFT + bar.value * scale
            body.append(
                f'<rect x="{LEFT}" y="{y:.1f}" width="{bar.value * scale:.1f}" height="{BAR - 2}" '
                f'fill="{colours[bar.series]}"/>'
            )
            centre = y + BAR / 2 - 1
            body.append(_line(LEFT + bar.low * scale, centre, LEFT + bar.high * scale, centre, 'stroke="black"'))
            # Inside of the bar where it reaches the right edge.
            if end < WIDTH - RIGHT - 40:
                body.append(_text(max(end, LEFT + bar.high * scale) + 4, centre + FONT / 3, f"{bar.value:.1f}"))
            else:
                body.append(_text(end - 34, centre + FONT / 3, f"{bar.value:.1f}", extra=' fill="white"'))
            y += BAR
        y += GAP
    grid = []
    for tick in range(0, int(limit) + 1, 20):
        x = LEFT + tick * scale
        grid += [_line(x, TOP + LEGEND_LINE, x, y, GRID), _text(x, y + FONT + 2, str(tick), "middle")]
    legend, x = [], float(LEFT)
    for name in names:
        legend.append(f'<rect x="{x:.1f}" y="{TOP - 4}" width="12" height="12" fill="{colours[name]}"/>')
        legend.append(_text(x + 17, TOP + 7, name))
        x += 17 + 8 * len(name) + 20
    caption = _text((LEFT + WIDTH - RIGHT) / 2, y + 2 * FONT + 8, unit, "middle")
    return _document(y + BOTTOM, title, [*grid, *body, *legend, caption])


def _decades(values: list[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def log_lines(title: str, x_label: str, y_label: str, series: list[Series]) -> str:
    """Lines over logarithmic axes of whole decades; all values are above 0."""
    points = [point for line in series for point in line.points]
    x_low, x_high = _decades([x for x, _ in points])
    y_low, y_high = _decades([y for _, y in points])
    left, bottom = 70, LINES_HEIGHT - BOTTOM

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = left + (math.log10(point[0]) - x_low) / (x_high - x_low) * (WIDTH - RIGHT - left)
        y = bottom - (math.log10(point[1]) - y_low) / (y_high - y_low) * (bottom - TOP)
        return x, y

    parts = []
    for power in range(x_low, x_high + 1):
        x, _ = place((10.0**power, 10.0**y_low))
        parts += [_line(x, TOP, x, bottom, GRID), _text(x, bottom + FONT + 4, f"{10.0**power:g}", "middle")]
    for power in range(y_low, y_high + 1):
        _, y = place((10.0**x_low, 10.0**power))
        parts += [_line(left, y, WIDTH - RIGHT, y, GRID), _text(left - 6, y + 4, f"{10.0**power:g}", "end")]
    colour = -1
    for number, line in enumerate(series):
        colour += 0 if line.is_reference else 1
        stroke = f'stroke="{COLOURS[max(colour, 0) % len(COLOURS)]}"'
        dashes = ' stroke-dasharray="5 4"' if line.is_reference else ' stroke-width="2"'
        placed = [place(point) for point in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" {stroke}{dashes}/>')
        if not line.is_reference:
            fill = stroke.replace("stroke", "fill")
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" {fill}/>' for x, y in placed]
        y = TOP + 14 + number * LEGEND_LINE
        parts += [_line(left + 14, y, left + 44, y, stroke + dashes), _text(left + 50, y + 4, line.name)]
    parts.append(_text((left + WIDTH - RIGHT) / 2, LINES_HEIGHT - 12, x_label, "middle"))
    rotation = f' transform="rotate(-90 18 {LINES_HEIGHT / 2:.0f})"'
    parts.append(_text(18, LINES_HEIGHT / 2, y_label, "middle", rotation))
    return _document(LINES_HEIGHT, title, parts)
