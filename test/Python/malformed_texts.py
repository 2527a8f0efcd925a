# ===- malformed_texts.py - Broken and hostile tokenizers ------------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Folders of text models whose tokenizer must be refused, by name.

Each function takes a folder, writes files there, and returns the command line behind `vitc inspect` and what the one
error line says.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from harness import REPO

Case = Callable[[Path], tuple[list, str]]
MODEL = Path(__file__).parent / "data" / "text_models" / "BertModel"
TOKENIZERS = REPO / "test" / "Unit" / "Import" / "Tokenizers"


def model_with(folder: Path, files: dict[str, bytes]) -> list:
    """A BERT with these files of a tokenizer."""
    model = Path(shutil.copytree(MODEL, folder / "model"))
    for name, content in files.items():
        (model / name).write_bytes(content)
    return [model]


def file_case(message: str, name: str, content: bytes, **others: bytes) -> Case:
    return lambda folder: (model_with(folder, {name: content, **others}), message)


# ===----------------------------------------------------------------------===#
# tokenizer.json
# ===----------------------------------------------------------------------===#

TOKENIZER_JSON: dict[str, Case] = {}


def read_tokenizer(name: str = "bert") -> dict:
    return json.loads((TOKENIZERS / name / "tokenizer.json").read_text())


def json_case(message: str, content: object) -> Case:
    return file_case(message, "tokenizer.json", json.dumps(content).encode())


def changed_case(message: str, name: str = "bert", **changes: object) -> Case:
    """A tokenizer with other members."""
    return json_case(message, read_tokenizer(name) | changes)


def model_case(message: str, name: str = "bert", **changes: object) -> Case:
    """A tokenizer whose model has other members."""
    tokenizer = read_tokenizer(name)
    return json_case(message, tokenizer | {"model": tokenizer["model"] | changes})


def template_case(message: str, *parts: dict) -> Case:
    processor = read_tokenizer()["post_processor"] | {"single": list(parts)}
    return changed_case(message, post_processor=processor)


def nested(levels: int) -> dict:
    step: dict = {"type": "Lowercase"}
    for _ in range(levels):
        step = {"type": "Sequence", "normalizers": [step]}
    return step


TEXT = {"Sequence": {"id": "A", "type_id": 0}}
CLS = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}

TOKENIZER_JSON |= {
    "is_empty": file_case("tokenizer.json: error: content is not JSON", "tokenizer.json", b""),
    "is_cut_off": file_case(
        "tokenizer.json: error: content is not JSON",
        "tokenizer.json",
        (TOKENIZERS / "bert/tokenizer.json").read_bytes()[:4000],
    ),
    "is_binary": file_case("Invalid UTF-8 sequence", "tokenizer.json", bytes(range(256))),
    "is_a_list": json_case("content is not a JSON object", []),
    "nests_100000_deep": file_case("nests deeper than 64", "tokenizer.json", b'{"model":' * 100_000),
    "has_no_model": changed_case("has no model; it needs one", model=None),
    "model_is_unknown": model_case("has model 'Phonetic'; vitc has WordPiece, BPE and Unigram", type="Phonetic"),
    "vocabulary_is_a_list": model_case("has a model without vocab", vocab=["[UNK]", "a"]),
    "vocabulary_is_empty": model_case("tokenizer.json: error: has no tokens; it needs one or more", vocab={}),
    "number_is_negative": model_case("has token '[UNK]' with number -1", vocab={"[UNK]": -1}),
    "number_is_a_fraction": model_case("with number 0.5; it needs an integer", vocab={"[UNK]": 0.5}),
    "number_is_2_to_40": model_case("with number 1099511627776", vocab={"[UNK]": 1 << 40}),
    "number_is_text": model_case('with number "0"', vocab={"[UNK]": "0"}),
    "unknown_token_is_not_there": model_case(
        "has unknown token '[LOST]'; it needs one of its vocabulary", unk_token="[LOST]"
    ),
    "scores_are_text": model_case('has ["a","high"] in its vocab', "unigram", vocab=[["a", "high"]]),
    "scores_are_numbers": model_case("has 1 in its vocab; it needs a token and its score", "unigram", vocab=[1, 2]),
    "unknown_score_is_not_there": model_case(
        "without unk_id; it needs the number of a token", "unigram", unk_id=1 << 30
    ),
    "merge_of_one_token": model_case('has merge "abc"; it needs two tokens', "gpt2", merges=["abc"]),
    "merge_of_a_number": model_case("has merge 7; it needs two tokens", "gpt2", merges=[7]),
    "merge_of_unknown_tokens": model_case(
        "merges 'zzzz' and 'yyyy'; 'zzzz' is not in its vocabulary", "gpt2", merges=["zzzz yyyy"]
    ),
    "merges_are_an_object": model_case("has a BPE model without merges; it needs a list", "gpt2", merges={"a": "b"}),
    "added_tokens_are_numbers": changed_case("has added token 1; it needs an id and a content", added_tokens=[1]),
    "added_token_has_no_text": changed_case('has added token {"id":1}', added_tokens=[{"id": 1}]),
    "added_token_is_negative": changed_case('"id":-5}; it needs an id', added_tokens=[{"id": -5, "content": "[X]"}]),
    "normalizer_is_unknown": changed_case("has normalizer 'Rhyme'; vitc has", normalizer={"type": "Rhyme"}),
    "normalizer_is_text": changed_case('normalizer = "Lowercase"; it needs an object', normalizer="Lowercase"),
    "normalizers_nest_60_deep": changed_case("nests deeper than 64", normalizer=nested(60)),
    "charsmap_is_no_base64": changed_case(
        "has a precompiled_charsmap that is no base64", normalizer={"type": "Precompiled", "precompiled_charsmap": "?"}
    ),
    "charsmap_is_cut_off": changed_case(
        "has a precompiled_charsmap of 4 bytes; it needs 4294967299 or more",
        normalizer={"type": "Precompiled", "precompiled_charsmap": "/////w=="},
    ),
    "pre_tokenizer_is_unknown": changed_case("has pre-tokenizer 'Rhyme'; vitc has", pre_tokenizer={"type": "Rhyme"}),
    "pattern_is_unknown": changed_case(
        "splits at the regular expression '(a+)+$'",
        pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False},
    ),
    "decoder_is_unknown": changed_case("has decoder 'Rhyme'; vitc has", decoder={"type": "Rhyme"}),
    "decoder_of_ctc": changed_case("has decoder 'CTC'; vitc has", decoder={"type": "CTC"}),
    "post_processor_is_unknown": changed_case('has post-processor {"type":"Rhyme"}', post_processor={"type": "Rhyme"}),
    "template_of_two_texts": template_case("it needs one text of type 0", TEXT, TEXT),
    "template_without_a_text": template_case("has a template without a text; it needs one", CLS),
    "template_of_an_unknown_token": template_case(
        "it needs one of its special_tokens", {"SpecialToken": {"id": "[LOST]", "type_id": 0}}, TEXT
    ),
    "template_of_a_number": template_case("has a template with 7", 7),  # type: ignore[arg-type]
    "cls_is_not_there": changed_case(
        "has a BertProcessing without cls and sep", post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3]}
    ),
}

# ===----------------------------------------------------------------------===#
# Other files
# ===----------------------------------------------------------------------===#

VOCABULARY: dict[str, Case] = {}
GPT2_VOCABULARY = json.dumps(read_tokenizer("gpt2")["model"]["vocab"]).encode()
SPIECE = (TOKENIZERS / "unigram_model" / "spiece.model").read_bytes()

VOCABULARY |= {
    "vocab_txt_is_empty": file_case("vocab.txt: error: has no tokens", "vocab.txt", b""),
    "vocab_json_is_a_list": file_case(
        "vocab.json: error: content is not a JSON object", "vocab.json", b"[]", **{"merges.txt": b"a b\n"}
    ),
    "vocab_json_is_cut_off": file_case(
        "vocab.json: error: content is not JSON", "vocab.json", GPT2_VOCABULARY[:500], **{"merges.txt": b"a b\n"}
    ),
    "merges_of_three": file_case(
        "merges.txt:2:1: error: has merge 'a b c'; it needs two tokens",
        "merges.txt",
        b"#version: 0.2\na b c\n",
        **{"vocab.json": GPT2_VOCABULARY},
    ),
    "merges_are_binary": file_case(
        "merges.txt:1:1: error: has merge '", "merges.txt", bytes(range(256)), **{"vocab.json": GPT2_VOCABULARY}
    ),
    "sentencepiece_is_empty": file_case("has 0 pieces and none for what is unknown", "spiece.model", b""),
    "sentencepiece_has_an_empty_control_piece": file_case(
        "has an empty control piece, 0", "spiece.model", b"\n\2\x18\3"
    ),
    "sentencepiece_is_text": file_case(
        "has 1700 bytes that are no sentencepiece model", "spiece.model", b"this is no model\n" * 100
    ),
    "sentencepiece_is_cut_off": file_case("bytes that are no sentencepiece model", "spiece.model", SPIECE[:-100]),
    "sentencepiece_without_end": file_case("has 1001 bytes that are no", "spiece.model", b"\x0a" + b"\xff" * 1000),
    "config_is_cut_off": file_case(
        "tokenizer_config.json: error: content is not JSON",
        "tokenizer_config.json",
        b'{"pad_tok',
        **{"vocab.txt": b"[PAD]\n[UNK]\n"},
    ),
    "config_pads_in_the_middle": file_case(
        "padding_side = 'middle'; it needs left or right",
        "tokenizer_config.json",
        b'{"padding_side": "middle"}',
        **{"vocab.txt": b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n"},
    ),
    "pooling_is_a_list": file_case("modules.json: error: lists no modules", "modules.json", b"{}"),
    "pooling_is_cut_off": file_case("modules.json: error: content is not JSON", "modules.json", b'[{"path"'),
    "pooling_leaves_the_folder": file_case(
        "has Pooling in path '../../etc'",
        "modules.json",
        json.dumps(
            [
                {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "name": "1", "path": "../../etc", "type": "sentence_transformers.models.Pooling"},
            ]
        ).encode(),
    ),
}
