# ===- export.py - Files of other programs as files vitc reads -------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Makes of PyTorch's files what vitc compiles.

A checkpoint (.pth, .pt, .bin: a state dict, or one inside of a training checkpoint) and a bare .safetensors become a
folder of config.json and model.safetensors; the architecture is a name of timm's, or a config.json of Hugging Face's:

    python -m vitc.export deit_tiny.pth deit-tiny --architecture deit_tiny_patch16_224
    python -m vitc.export pytorch_model.bin my-vit --config folder/with/config.json

A torch.export program (.pt2) becomes an ONNX file. So does a whole pickled module, whose loading runs code of the file
and is done with --unpickle only:

    python -m vitc.export model.pt2 model.onnx
    python -m vitc.export module.pth model.onnx --unpickle --input-shape 1x3x224x224

Reading .safetensors needs numpy alone; the rest needs PyTorch.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import pickle
import shutil
import sys
import tempfile
import zipfile

CHECKPOINTS = (".pth", ".pt", ".bin")
KERAS = (".keras", ".h5")
# Where training programs put the weights in their checkpoints; the averaged ones first, as timm does.
STATE_DICT_KEYS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")
# What wrappers put before all names.
PREFIXES = ("module.", "_orig_mod.")


class ExportError(Exception):
    """The source cannot become what vitc reads; the text is one line."""


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")


def import_torch():
    try:
        import torch
    except ImportError:
        raise ExportError(
            "needs PyTorch to be read, which this Python does not have; try 'pip install torch'"
        ) from None
    return torch


# ===----------------------------------------------------------------------===#
# Checkpoints
# ===----------------------------------------------------------------------===#


def find_state_dict(torch, content: object) -> dict:
    """The tensors by name that torch.load gave, without what is around them."""
    while isinstance(content, dict) and not any(torch.is_tensor(value) for value in content.values()):
        key = next((key for key in STATE_DICT_KEYS if isinstance(content.get(key), dict)), None)
        if key is None:
            found = ", ".join(sorted(map(repr, content))[:5]) or "nothing"
            raise ExportError(f"holds {found} and no state dict; needs tensors by name")
        content = content[key]
    if not isinstance(content, dict):
        raise ExportError(f"holds a {type(content).__name__}; needs tensors by name, as model.state_dict() gives")
    tensors = {str(name): value for name, value in content.items() if torch.is_tensor(value)}
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name[len(prefix) :]: value for name, value in tensors.items()}
    return tensors


def load_checkpoint(path: pathlib.Path) -> dict:
    torch = import_torch()
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the bytes lead PyTorch to
        if isinstance(error, pickle.UnpicklingError) and "nsupported global" in str(error):
            raise ExportError(
                "holds Python objects beside tensors; save model.state_dict(), or give an OUT that ends in .onnx, "
                "--unpickle and --input-shape"
            ) from None
        raise ExportError(f"is not a checkpoint that PyTorch reads: {first_line(error)}") from None
    return find_state_dict(torch, content)


def save_tensors(tensors: dict, path: pathlib.Path) -> None:
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise ExportError("needs the package safetensors to be written; try 'pip install safetensors'") from None
    # Tied weights are stored twice: safetensors has no references.
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path, {"format": "pt"})


def write_weights(files: list[pathlib.Path], path: pathlib.Path) -> None:
    if len(files) == 1 and files[0].suffix == ".safetensors":
        shutil.copyfile(files[0], path)
        return
    tensors = {}
    for file in files:
        tensors.update(load_checkpoint(file))
    save_tensors(tensors, path)


# ===----------------------------------------------------------------------===#
# Configurations
# ===----------------------------------------------------------------------===#


def find_config(config: pathlib.Path) -> pathlib.Path:
    path = config / "config.json" if config.is_dir() else config
    if not path.is_file():
        raise ExportError(f"--config is '{config}', which has no config.json")
    return path


def describe_timm(name: str, image_size: tuple[int, int] | None) -> dict:
    """What timm's save_for_hf writes into config.json, as far as this Python knows it."""
    config: dict = {"architecture": name}
    pretrained: dict = {}
    try:
        import timm
    except ImportError:
        print(
            "note: timm is not installed, which knows the preprocessing; vitc takes ImageNet's mean and deviation",
            file=sys.stderr,
        )
    else:
        known = timm.get_pretrained_cfg(name)
        if known is not None:
            keys = ("input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std")
            pretrained = {key: getattr(known, key) for key in keys}
    if image_size:
        pretrained["input_size"] = [3, *image_size]
    if pretrained:
        config["pretrained_cfg"] = pretrained
    return config


def write_config(options: argparse.Namespace, beside: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes config.json, and preprocessor_config.json where there is one."""
    if options.architecture:
        config = describe_timm(options.architecture, options.image_size)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        return
    if not options.config and not (beside / "config.json").is_file():
        raise ExportError("says nothing of its architecture; needs --architecture NAME of timm's, or --config FOLDER")
    path = find_config(options.config or beside)
    shutil.copyfile(path, folder / "config.json")
    preprocessor = path.parent / "preprocessor_config.json"
    if preprocessor.is_file():
        shutil.copyfile(preprocessor, folder / preprocessor.name)


def find_weights(source: pathlib.Path) -> list[pathlib.Path]:
    """The file itself, or the checkpoint's files in a folder as older versions of transformers wrote it."""
    if not source.is_dir():
        return [source]
    files = sorted(source.glob("pytorch_model*.bin"))
    if not files:
        raise ExportError("is a folder without pytorch_model.bin or pytorch_model-*.bin")
    return files


def export_folder(options: argparse.Namespace) -> None:
    source, out = options.source, options.out
    if out.exists():
        raise ExportError(f"OUT is '{out}', which exists; needs the name of a new folder")
    files = find_weights(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    # The folder appears whole or not at all.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name + ".") as name:
        folder = pathlib.Path(name) / "model"
        folder.mkdir()
        write_config(options, source if source.is_dir() else source.parent, folder)
        write_weights(files, folder / "model.safetensors")
        folder.rename(out)


# ===----------------------------------------------------------------------===#
# Programs
# ===----------------------------------------------------------------------===#


def load_program(torch, options: argparse.Namespace) -> tuple[object, tuple]:
    """What torch.onnx.export takes: a program, or a module and its inputs."""
    if options.source.suffix == ".pt2":
        if not zipfile.is_zipfile(options.source):
            raise ExportError("is not a torch.export program: it is no zip archive")
        return torch.export.load(options.source), ()
    if not options.unpickle:
        raise ExportError(
            "is a pickled module for an OUT that ends in .onnx; loading it runs its code, with --unpickle"
        )
    if not options.input_shape:
        raise ExportError(
            "is a pickled module, which does not say what it takes; needs --input-shape, as in 1x3x224x224"
        )
    module = torch.load(options.source, map_location="cpu", weights_only=False)
    if not isinstance(module, torch.nn.Module):
        raise ExportError(f"holds a {type(module).__name__}; needs a torch.nn.Module for an OUT that ends in .onnx")
    return module.eval(), (torch.zeros(options.input_shape),)


def export_onnx(options: argparse.Namespace) -> None:
    torch = import_torch()
    out = options.out
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name + ".") as name:
        path = pathlib.Path(name) / out.name
        try:
            program, inputs = load_program(torch, options)
            torch.onnx.export(program, inputs, path, dynamo=True, external_data=False, verbose=False)
        except ExportError:
            raise
        except Exception as error:  # whatever the module leads PyTorch to
            raise ExportError(f"PyTorch does not export it: {first_line(error)}") from None
        path.replace(out)


# ===----------------------------------------------------------------------===#
# Command line
# ===----------------------------------------------------------------------===#


def export(options: argparse.Namespace) -> None:
    source = options.source
    if not source.exists():
        raise ExportError("cannot be read: no such file or folder")
    if source.suffix in KERAS:
        raise ExportError(
            "is a Keras model; write ONNX with Keras itself: keras.saving.load_model(FILE).export('model.onnx', "
            "format='onnx')"
        )
    if source.suffix == ".pt2" and options.out.suffix != ".onnx":
        raise ExportError(f"is a torch.export program, which becomes ONNX; OUT is '{options.out}', needs .onnx")
    if source.is_dir() or source.suffix in (*CHECKPOINTS, ".safetensors", ".pt2"):
        if options.out.suffix == ".onnx":
            if source.is_dir() or source.suffix == ".safetensors":
                raise ExportError(f"holds weights, which become a folder; OUT is '{options.out}'")
            export_onnx(options)
        else:
            export_folder(options)
        return
    raise ExportError("is a file of another kind; needs .pth, .pt, .bin, .safetensors, .pt2 or a folder")


def parse_sizes(text: str) -> tuple[int, ...]:
    """1x3x224x224"""
    sizes = text.split("x")
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise argparse.ArgumentTypeError(f"'{text}'; it needs sizes with x between them, as in 224x224")
    return tuple(map(int, sizes))


def parse_image_size(text: str) -> tuple[int, ...]:
    sizes = parse_sizes(text)
    if len(sizes) != 2:
        raise argparse.ArgumentTypeError(f"'{text}'; it needs HEIGHTxWIDTH")
    return sizes


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vitc.export", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "source", type=pathlib.Path, metavar="SOURCE", help="the file, or a folder of pytorch_model.bin"
    )
    parser.add_argument("out", type=pathlib.Path, metavar="OUT", help="a new folder, or FILE.onnx")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--architecture", metavar="NAME", help="timm's name of it")
    which.add_argument(
        "--config", type=pathlib.Path, metavar="FOLDER", help="has config.json (default: SOURCE's folder)"
    )
    parser.add_argument("--image-size", type=parse_image_size, metavar="HxW", help="of an --architecture's pictures")
    parser.add_argument("--unpickle", action="store_true", help="load a whole module, which runs code of the file")
    parser.add_argument("--input-shape", type=parse_sizes, metavar="NxCxHxW", help="of a pickled module's input")
    options = parser.parse_args(argv)
    if options.image_size and not options.architecture:
        parser.error("--image-size goes with --architecture; a config.json has a size of its own")
    try:
        export(options)
    except (ExportError, OSError) as error:
        print(f"{options.source}: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
