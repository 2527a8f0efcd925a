# ===- module_ir.py - What the IR of a model computes and moves ------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Reads the text of raised and of kernel modules with static shapes: nothing here shares code with the compiler."""

from __future__ import annotations

import re
from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np

_BYTES = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "i64": 8, "i32": 4, "i8": 1, "i1": 1, "index": 8}


class Shaped(NamedTuple):
    """A tensor or memref type."""

    shape: tuple[int, ...]
    element: str

    @staticmethod
    def parse(text: str) -> Shaped:
        *shape, element = text[text.index("<") + 1 : text.index(">")].split("x")
        return Shaped(tuple(int(size) for size in shape), element)

    @property
    def bytes(self) -> int:
        return prod(self.shape) * _BYTES[self.element]


def _forward(module: str) -> list[str]:
    """The lines of @forward's body."""
    lines = module.splitlines()
    begin = next(i for i, line in enumerate(lines) if re.search(r'func\.func @forward\(|sym_name = "forward"', line))
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    end = next(i for i in range(begin + 1, len(lines)) if re.match(rf"^ {{{indent}}}\}}", lines[i]))
    return lines[begin:end]


def _locations(module: str) -> dict[str, list[str]]:
    """The names behind each location alias, the first one first."""
    texts = dict(re.findall(r"^(#loc\d*) = loc\((.*)\)$", module, re.MULTILINE))

    @cache
    def names(alias: str) -> tuple[str, ...]:
        found: list[str] = []
        # What is between <> says how the names were fused.
        text = re.sub(r'fused<"\w+">', "fused", texts.get(alias, ""))
        for name, part in re.findall(r'"((?:[^"\\]|\\.)*)"|(#loc\d*)', text):
            found += [name] if name else names(part)
        return tuple(dict.fromkeys(found))

    return {alias: list(names(alias)) for alias in texts}


class Op(NamedTuple):
    name: str
    text: str
    sources: list[str]  # names of the source


# ===----------------------------------------------------------------------===#
# Kernels
# ===----------------------------------------------------------------------===#


class Access(NamedTuple):
    """An operand, the map it is accessed through, and the sizes of the map's dims."""

    role: str
    operand: str
    type: Shaped
    map: str | None  # None: all of it
    box: tuple[int, ...]
    ends_inside: bool = True  # else the map may lead outside, where nothing is read

    @property
    def bytes(self) -> int:
        """Of the distinct elements."""
        if self.map is None:
            return self.type.bytes
        touched = _count_touched(self.map, self.box, self.type.shape, self.ends_inside)
        return touched * _BYTES[self.type.element]


@cache
def _count_touched(text: str, box: tuple[int, ...], shape: tuple[int, ...], ends_inside: bool) -> int:
    """How many elements of `shape` the map touches over the box: it is evaluated everywhere."""
    dims, results = re.fullmatch(r"\((.*?)\) -> \((.*)\)", text).groups()
    names = [name.strip() for name in dims.split(",")]
    used = [i for i, name in enumerate(names) if re.search(rf"\b{name}\b", results)]
    grid = np.ix_(*(np.arange(box[i], dtype=np.int32) for i in used))
    values = {names[i]: axis for i, axis in zip(used, grid, strict=True)}
    expressions = results.replace("floordiv", "//").replace("mod", "%").split(",")
    address, inside = np.zeros((), np.int32), np.ones((), bool)
    for expression, size in zip(expressions, shape, strict=True):
        index = eval(expression, {"__builtins__": {}}, values)
        address = address * size + index
        inside = inside & (index >= 0) & (index < size)
    assert inside.all() or not ends_inside
    touched = np.zeros(prod(shape), bool)
    address, inside = (np.broadcast_to(array, [box[i] for i in used]) for array in (address, inside))
    touched[address[inside]] = True
    return int(touched.sum())


class Kernel(NamedTuple):
    op: Op
    reads: list[Access]
    writes: list[Access]

    @property
    def name(self) -> str:
        return self.op.name

    @property
    def bytes(self) -> int:
        # What two roles read alike, keys and values, is read once.
        reads = {(access.operand, access.map): access.bytes for access in self.reads}
        return sum(reads.values()) + self.written_bytes

    @property
    def written_bytes(self) -> int:
        return sum(access.bytes for access in self.writes)

    @property
    def only_copies(self) -> bool:
        """A gather, or a generic that yields its input."""
        if self.name == "gather":
            return True
        argument = re.search(r"\^bb0\((%\w+):", self.op.text)
        return bool(argument) and f"kernel.yield {argument[1]} " in self.op.text


class KernelModule:
    """@forward of a module in the kernel phase."""

    def __init__(self, module: str) -> None:
        self._maps = dict(re.findall(r"^(#map\d*) = affine_map<(.*)>$", module, re.MULTILINE))
        locations = _locations(module)
        lines = _forward(module)
        text = "\n".join(lines)
        self._constants = {
            name: int(value) for name, value in re.findall(r"(%\S+) = arith\.constant (-?\d+) : index", text)
        }
        buffers = re.findall(r"(%\S+) = kernel\.buffer %\S+ (\w+)[^:]*: (memref<\S+>)", text)
        self.spaces = {name: space for name, space, _ in buffers}
        self.arena = [Shaped.parse(kind) for _, space, kind in buffers if space == "arena"]
        self.kernels = []
        for i, line in enumerate(lines):
            if not (found := re.match(r"^    kernel\.(\w+) ", line)):
                continue
            end = i
            while line.rstrip().endswith("{") and not lines[end].startswith("    }"):
                end += 1
            alias = re.search(r"loc\((#loc\d*)\)$", lines[end])
            sources = locations[alias[1]] if alias else []
            self.kernels.append(self._read(Op(found[1], "\n".join(lines[i : end + 1]), sources)))

    def _read(self, op: Op) -> Kernel:
        header = op.text.splitlines()[0]
        batch = self._size(header, "batch")
        accesses = {}
        for role, operand, index_map, kind in re.findall(
            r"\b(?!inputs|tables)(\w+)\((%\S+)(?: at (#map\d*|affine_map<[^>]*>+))? : (memref<\S+>)\)", header
        ):
            box = self._box(op.name, role, header)
            text = self._map(index_map) if index_map else None
            ends_inside = role != "lhs" or " zero_outside " not in header
            accesses[role] = Access(role, operand, Shaped.parse(kind), text, (batch, *box), ends_inside)
        written = ("init", "statistics")
        reads = [access for role, access in accesses.items() if role not in written]
        if op.name == "generic":
            reads += self._read_lists(header, batch, accesses["init"])
        return Kernel(op, reads, [accesses[role] for role in written if role in accesses])

    def _read_lists(self, header: str, batch: int, init: Access) -> list[Access]:
        """inputs(%a, %b : types) at [maps] and tables(...), which any element may be read of."""
        reads = []
        box = (batch, *self._box("generic", "inputs", header))
        for role, operands, kinds, maps in re.findall(
            r"(inputs|tables)\(([^:]*) : ([^)]*)\) (?:at|through) \[([^\]]*)\]", header
        ):
            types = [Shaped.parse(kind) for kind in re.findall(r"memref<\S+>", kinds)]
            texts = [self._map(name) for name in re.findall(r"#map\d*|affine_map<[^>]*>+", maps)]
            for operand, kind, text in zip(operands.split(", "), types, texts, strict=True):
                reads.append(Access(role, operand, kind, text if role == "inputs" else None, box))
        if "reduce [" in header and "identity" not in header:
            reads.append(init._replace(box=box))
        return reads

    def _map(self, name: str) -> str:
        return self._maps[name] if name.startswith("#") else name.removeprefix("affine_map<").removesuffix(">")

    def _size(self, header: str, name: str) -> int:
        return self._constants[re.search(rf"\b{name}\((%\S+)\)", header)[1]]

    def _box(self, op: str, role: str, header: str) -> tuple[int, ...]:
        """Sizes of the dims behind the batch, for one operand."""

        def number(name: str) -> int:
            return int(re.search(rf"\b{name} (\d+)", header)[1])

        def sizes(name: str) -> tuple[int, ...]:
            found = re.search(rf"\b{name} \[([^\]]*)\]", header)
            return tuple(int(size) for size in found[1].split(",")) if found else ()

        if op == "gemm":
            if role == "lhs_scale":
                return (number("k"),)
            return self._size(header, "rows"), number("k" if role == "lhs" else "n")
        if op == "attention":
            queries, keys = self._size(header, "queries"), self._size(header, "keys")
            heads, head_dim, value_dim = number("heads"), number("head_dim"), number("value_dim")
            return {
                "query": (heads, queries, head_dim),
                "key": (heads, keys, head_dim),
                "value": (heads, keys, value_dim),
                "init": (heads, queries, value_dim),
                "key_length": (),
            }.get(role, (heads, queries, keys))
        if op == "grouped_conv":
            *_, group_channels, outputs = Shaped.parse(re.search(r"filter\(%\S+ : (memref<\S+>)\)", header)[1]).shape
            if role == "input":
                return *sizes("input_size"), number("groups") * group_channels
            return *sizes("size"), outputs
        if op == "norm":
            return self._size(header, "rows"), number("channels")
        if op == "mean":
            channels = number("channels")
            return (channels,) if role == "init" else (self._size(header, "rows"), channels)
        if op in ("gather", "generic"):
            return sizes("sizes") + (sizes("reduce") if role != "init" or op == "generic" else ())
        raise AssertionError(f"no rule for kernel.{op}")


# ===----------------------------------------------------------------------===#
# What is unavoidable
# ===----------------------------------------------------------------------===#


class Product(NamedTuple):
    """What a product, convolution, attention or addition must read and write."""

    name: str
    sources: list[str]
    reads: dict[str, int]  # bytes of activations by value
    weights: int
    written: int


class RaisedModule:
    """@forward of a raised module, printed in the generic form."""

    def __init__(self, module: str) -> None:
        locations = _locations(module)
        lines = _forward(module)
        self.results: dict[str, Op] = {}
        self.types: dict[str, str] = {}
        self.products: list[Product] = []
        # Windows x heads, Nq and Nk of each attention.
        self.scores: list[tuple[int, int, int]] = []
        # Values that are a group norm's, moved or computed element by element since.
        self._group_norms: set[str] = set()
        function = re.search(r"function_type = \(([^)]*)\) -> ", lines[0])
        self.inputs = [Shaped.parse(kind) for kind in re.findall(r"tensor<[^>]*>", function[1])]
        for i, line in enumerate(lines):
            if not (found := re.match(r'^    (?:(%\S+) = )?"([\w.]+)"\(([^)]*)\)', line)):
                continue
            end = i
            while line.rstrip().endswith("({") and not lines[end].startswith("    })"):
                end += 1
            alias = re.search(r"loc\((#loc\d*)\)$", lines[end])
            op = Op(found[2], "\n".join(lines[i : end + 1]), locations[alias[1]] if alias else [])
            self._read(found[1], op, found[3].split(", ") if found[3] else [], lines[end])

    def _read(self, result: str | None, op: Op, operands: list[str], last_line: str) -> None:
        signature = re.search(r": \((.*)\) -> (.*) loc\(", last_line)
        for operand, kind in zip(operands, re.findall(r"\w+<[^>]*>|\w+", signature[1]), strict=True):
            self.types[operand] = kind
        if result:
            self.results[result] = op
            self.types[result] = signature[2]
        product = self._is_product(op)
        tensors = [operand for operand in operands if self.types[operand].startswith("tensor<")]
        is_sum = op.name == "arith.addf" and any(operand in self._group_norms for operand in tensors)
        if result and self._is_group_norm(op, tensors):
            self._group_norms.add(result)
        activations = [operand for operand in tensors if not self._is_weight(operand)]
        # The stream that a residual or a table of positions is added to is the product's result.
        if op.name == "arith.addf":
            activations = activations[1:]
        elif not product:
            return
        if op.name.startswith("linalg."):
            activations = [operand for operand in activations if not self._is_init(operand)]
        weights = [operand for operand in tensors if self._is_weight(operand) and not self._is_computed(operand)]
        self.products.append(
            Product(
                op.name,
                op.sources,
                {operand: Shaped.parse(self.types[operand]).bytes for operand in activations},
                sum(Shaped.parse(self.types[operand]).bytes for operand in weights),
                Shaped.parse(self.types[result]).bytes if product or is_sum else 0,
            )
        )
        if op.name == "vit.attention":
            batch, heads, queries, _ = Shaped.parse(self.types[operands[0]]).shape
            self.scores.append((batch * heads, queries, Shaped.parse(self.types[operands[1]]).shape[2]))

    def _is_product(self, op: Op) -> bool:
        if op.name in ("vit.linear", "vit.patch_embed", "vit.conv2d", "vit.attention"):
            return True
        if not op.name.startswith("linalg."):
            return False
        sums = "arith.addf" in op.text and "arith.mulf" in op.text
        return "matmul" in op.name or (sums and "iterator_type<reduction>" in op.text)

    def _is_group_norm(self, op: Op, tensors: list[str]) -> bool:
        """A norm of groups of a feature map's channels, or what is made of one element by element."""
        if op.name == "vit.layer_norm":
            reshapes = ("tensor.collapse_shape", "tensor.expand_shape")
            value = tensors[0]
            while len(Shaped.parse(self.types[value]).shape) != 4:
                if value not in self.results or self.results[value].name not in reshapes:
                    return False
                value = re.search(r"\((%\S+?)[,)]", self.results[value].text)[1]
            return True
        is_elementwise = op.name == "linalg.generic" and "iterator_type<reduction>" not in op.text
        moves = op.name in ("tensor.collapse_shape", "tensor.expand_shape", "linalg.transpose")
        return (is_elementwise or moves) and any(value in self._group_norms for value in tensors)

    def _is_weight(self, value: str) -> bool:
        op = self.results.get(value)
        if op is None:
            return False
        return "constant" in op.name or op.name in ("vit.relative_position_bias", "vit.shift_mask")

    def _is_computed(self, value: str) -> bool:
        """Masks of shifted windows follow from indices."""
        return self.results[value].name == "vit.shift_mask"

    def _is_init(self, value: str) -> bool:
        op = self.results.get(value)
        return op is not None and op.name in ("tensor.empty", "linalg.fill")

    def get_unavoidable_bytes(self, products: list[Product] | None = None) -> int:
        """Of some products, or of the whole program with its inputs. Linear layers of one input read it together."""
        chosen = self.products if products is None else products
        reads: dict[str, int] = {}
        for i, product in enumerate(chosen):
            reader = "" if product.name == "vit.linear" else f" of {i}"
            reads |= {value + reader: size for value, size in product.reads.items()}
        total = sum(reads.values()) + sum(product.weights + product.written for product in chosen)
        if products is None:
            read = {value for product in chosen for value in product.reads}
            total += sum(kind.bytes for i, kind in enumerate(self.inputs) if f"%arg{i}" not in read)
        return total
