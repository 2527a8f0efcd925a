# ===- scenes.py - Pictures of coloured shapes, and what to say of them ---===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Draws scenes of shapes on a 3 x 3 grid and makes their captions, questions and answers; needs Pillow.

A scene has one or two groups: one shape alone, of which the caption says where it is, or two or three alike, of
which it says how many. Groups differ in colour or shape, so that a caption, in the order of colours and shapes, is
the only right one.

    python scenes.py FOLDER [NUMBER]    writes NUMBER held-out scenes as PNG, and scenes.json
"""

from __future__ import annotations

import json
import pathlib
import random
import sys
from dataclasses import dataclass

from PIL import Image, ImageDraw

IMAGE_SIZE = 48
CELL = IMAGE_SIZE // 3
COLOURS = {"red": (205, 45, 45), "green": (45, 160, 60), "blue": (50, 80, 205), "yellow": (225, 195, 40)}
SHAPES = ("circle", "square", "triangle")
NUMBERS = ("zero", "one", "two", "three")
PLACES = (
    "top left",
    "top",
    "top right",
    "left",
    "centre",
    "right",
    "bottom left",
    "bottom",
    "bottom right",
)
# Seeds from here on are held out: training draws its scenes below.
HELD_OUT = 1 << 30


@dataclass(frozen=True)
class Group:
    """Shapes of one kind; `cells` are their places, row * 3 + column."""

    colour: str
    shape: str
    cells: tuple[int, ...]

    @property
    def place(self) -> str:
        """Where a shape alone is."""
        return PLACES[self.cells[0]]

    def describe(self) -> str:
        """As a part of a caption."""
        if len(self.cells) == 1:
            return f"one {self.colour} {self.shape} at the {self.place}"
        return f"{NUMBERS[len(self.cells)]} {self.colour} {self.shape}s"


@dataclass(frozen=True)
class Scene:
    """Groups in the order in which a caption names them, and the seed that made them."""

    groups: tuple[Group, ...]
    seed: int

    @property
    def caption(self) -> str:
        """The one right caption."""
        return " and ".join(group.describe() for group in self.groups)

    @property
    def word_cells(self) -> list[tuple[int, ...]]:
        """For each word of the caption the cells of what it names; none for numbers and what is between groups."""
        cells: list[tuple[int, ...]] = []
        for group in self.groups:
            words = group.describe().split()
            cells += [(), *[group.cells] * (len(words) - 1), ()]
        return cells[:-1]


@dataclass(frozen=True)
class Question:
    """A question, its answer, and where one needs to look; `cells` is empty where that is no place in particular."""

    text: str
    answer: str
    cells: tuple[int, ...]

    @property
    def word_cells(self) -> list[tuple[int, ...]]:
        """For each word of the answer the cells that the question is about."""
        return [self.cells] * len(self.answer.split())


def make_scene(seed: int) -> Scene:
    """The scene of a seed."""
    rng = random.Random(3 * seed)
    kinds = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    cells = rng.sample(range(9), 6)
    groups = []
    for kind in sorted(rng.sample(range(len(kinds)), rng.randint(1, 2))):
        count = rng.randint(1, 3)
        groups.append(Group(*kinds[kind], tuple(sorted(cells[:count]))))
        cells = cells[count:]
    return Scene(tuple(groups), seed)


def draw(scene: Scene) -> Image.Image:
    """A picture of 48 x 48; sizes, places in a cell and shades vary with the seed."""
    rng = random.Random(3 * scene.seed + 1)
    image = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), tuple(rng.randint(225, 255) for _ in "RGB"))
    canvas = ImageDraw.Draw(image)
    for group in scene.groups:
        for cell in group.cells:
            radius = rng.randint(5, 6)
            x, y = (i * CELL + CELL // 2 + rng.randint(-1, 1) for i in (cell % 3, cell // 3))
            colour = tuple(shade + rng.randint(-18, 18) for shade in COLOURS[group.colour])
            box = (x - radius, y - radius, x + radius, y + radius)
            if group.shape == "circle":
                canvas.ellipse(box, fill=colour)
            elif group.shape == "square":
                canvas.rectangle(box, fill=colour)
            else:
                canvas.polygon([(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)], fill=colour)
    return image


def make_question(scene: Scene, number: int = 0) -> Question:
    """One of the questions about a scene."""
    rng = random.Random((3 * scene.seed + 2) * 1000 + number)
    kind = rng.randrange(6)
    alone = [group for group in scene.groups if len(group.cells) == 1]
    if kind < 4 and alone:
        group = rng.choice(alone)
        if kind % 2:
            return Question(f"where is the {group.colour} {group.shape}", f"at the {group.place}", group.cells)
        return Question(f"what is at the {group.place}", f"one {group.colour} {group.shape}", group.cells)
    group = rng.choice(scene.groups)
    colour, shape = group.colour, group.shape
    if rng.random() < 0.5:
        colour, shape = rng.choice(list(COLOURS)), rng.choice(SHAPES)
    count = sum(len(each.cells) for each in scene.groups if (each.colour, each.shape) == (colour, shape))
    if kind % 2:
        return Question(f"is there a {colour} {shape}", "yes" if count else "no", ())
    return Question(f"how many {colour} {shape}s are there", NUMBERS[count], ())


def main() -> None:
    """Writes held-out scenes."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for index in range(int(sys.argv[2]) if len(sys.argv) > 2 else 200):
        scene = make_scene(HELD_OUT + index)
        name = f"{index:04}.png"
        draw(scene).save(folder / name)
        question = make_question(scene)
        entries.append({"image": name, "caption": scene.caption, "question": question.text, "answer": question.answer})
    (folder / "scenes.json").write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
