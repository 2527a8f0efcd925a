# ===- generate.py - Tokenizers and what they make of texts ----------------===//
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Trains the small tokenizers of this folder and writes cases.json: texts, and the numbers and the decoded text that
Hugging Face's tokenizers 0.23 and sentencepiece 0.2 give for them. The tests need neither.

    python generate.py      in this folder, with tokenizers, sentencepiece and protobuf installed"""

import base64
import json
import random
import shutil
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
SENTENCES = (
    """A photo of a cat, a dog and two birds. The quick brown fox doesn't jump; they're lazy, aren't they?
Ein Bild von einer Katze auf der Straße. Größe und Höhe sind äußerst wichtig für die Übersetzung.
Une photo d'un chat à côté d'une fenêtre déjà ouverte, où l'été commence. Él niño está en la montaña.
Фотография кошки и собаки на зелёной траве. Το ποντίκι και η γάτα. 猫の写真とイヌの絵。一张猫的照片。고양이 사진입니다.
صورة قطة وكلب. תמונה של חתול וכלב. ภาพถ่ายของแมว. बिल्ली की तस्वीर। 12345 67 3.14 2026-01-02
""".splitlines()
    * 20
    + (HERE.parents[3] / "docs" / "design.md").read_text().splitlines()
)
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def make_texts(count: int) -> list[str]:
    """Sentences, parts of them, and strings of characters that normal forms, splits and joins treat specially."""
    generator = random.Random(7)
    pools = [
        [chr(c) for c in range(0x20, 0x7F)],
        [chr(c) for c in [*range(0xA0, 0x180), *range(0x1E00, 0x1EFF)]],
        [chr(c) for c in range(0x300, 0x345)],
        list("\t\n\r \v\f\x00\x01\x7f\x85\u00a0\u2003\u2028\u3000\u200b\u200d\ufeff\ufffd\u2581\u00ad"),
        list("猫犬写真の絵カナｶﾅＡＢ１２한국어조선\u1112\u1161\u11ab각힣①Ⅳﬁﬂ½²™Å℃ΩİıſßẞΣσς"),
        list("שלוםقطةकिताबไทย\u0651\u05bc\u093c"),
        ["👍🏽", "👩‍👩‍👧", "🇩🇪🇫🇷", "😀", "e\u0301", "q\u0307\u0323", "\U0001d54f", "\U00020000", "\ue000"],
        [
            "'s",
            "'LL",
            "'ſ",
            "<s>",
            "</s>",
            " [MASK]",
            "[CLS]",
            "<|endoftext|>",
            "<unk>",
            "12345",
            "  ",
            "\n\n",
            ">>fra<<",
        ],
    ]
    texts = ["", " ", "\n", "hello world", "A photo of a cat.", "don't we'LL they're I'm", "x" * 120, "é" * 60]
    texts += [*SENTENCES[:5], ">>fra<< a cat"]
    while len(texts) < count:
        if generator.random() < 0.3:
            text = generator.choice(SENTENCES)
            begin = generator.randrange(len(text) + 1)
            texts.append(text[begin : begin + generator.randrange(1, 60)])
            continue
        parts = []
        for _ in range(generator.randrange(1, 6)):
            pool = generator.choice(pools)
            parts += generator.choices(pool, k=generator.randrange(1, 5)) + generator.choices(["", " "])
        texts.append("".join(parts))
    return texts


def write_json(tokenizer: Tokenizer, name: str, **changes) -> Tokenizer:
    """Saves the tokenizer with parts of its model changed, and reads it again."""
    data = json.loads(tokenizer.to_str())
    data["model"].update(changes)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(data, ensure_ascii=False))
    return Tokenizer.from_file(str(path))


def make_bert() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=600, special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (HERE / "bert_vocab").mkdir(exist_ok=True)
    (HERE / "bert_vocab" / "vocab.txt").write_text("".join(f"{text}\n" for text, _ in vocabulary))
    return write_json(tokenizer, "bert")


def train_byte_level(size: int, suffix: str = "", **steps) -> dict:
    """Vocabulary and merges of byte-level BPE."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=suffix))
    for name, step in steps.items():
        setattr(tokenizer, name, step)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, end_of_word_suffix=suffix)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    for character in sorted(alphabet):
        for text in (character, character + suffix):
            model["vocab"].setdefault(text, len(model["vocab"]))
    return {"vocab": model["vocab"], "merges": [tuple(merge) for merge in model["merges"]]}


def make_clip() -> Tokenizer:
    steps = {
        "normalizer": normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        ),
        "pre_tokenizer": pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(CLIP), behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        ),
    }
    model = train_byte_level(700, "</w>", **steps)
    for text in ("<|startoftext|>", "<|endoftext|>"):
        model["vocab"][text] = len(model["vocab"])
    tokenizer = Tokenizer(models.BPE(**model, end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = steps["normalizer"], steps["pre_tokenizer"]
    tokenizer.decoder = decoders.ByteLevel()
    ends = [(text, model["vocab"][text]) for text in ("<|endoftext|>", "<|startoftext|>")]
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text, _ in ends])
    tokenizer.post_processor = processors.RobertaProcessing(*ends, trim_offsets=False, add_prefix_space=False)
    folder = HERE / "clip_vocab"
    folder.mkdir(exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges)
    return write_json(tokenizer, "clip")


def make_gpt2() -> Tokenizer:
    model = train_byte_level(500, pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return write_json(tokenizer, "gpt2")


def make_llama3(gpt2: Tokenizer) -> Tokenizer:
    gpt2.normalizer = normalizers.NFKC()
    gpt2.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return write_json(gpt2, "llama3", ignore_merges=True)


def make_llama2() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=specials, limit_alphabet=60, max_token_length=12)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    data["model"].update(fuse_unk=True, byte_fallback=True)
    return write_json(Tokenizer.from_str(json.dumps(data)), "llama2")


def make_steps() -> Tokenizer:
    """What well-known tokenizers do not have together."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "merged_with_next"),
            pre_tokenizers.Punctuation("merged_with_previous"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Whitespace(),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["[UNK]", "[PAD]"], continuing_subword_prefix="##", limit_alphabet=80
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.add_tokens(
        [AddedToken("cat", single_word=True), AddedToken("dog", lstrip=True), AddedToken("The", rstrip=True)]
    )
    return write_json(tokenizer, "steps")


def train_sentencepiece(name: str, **options) -> sentencepiece.SentencePieceProcessor:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    rules = folder / "rules.tsv"
    # A few of NFKC's, so that the map is small.
    pairs = [
        ("\ufb01", "fi"),
        ("\u2460", "1"),
        ("\u212b", "\u00c5"),
        ("A\u030a", "\u00c5"),
        ("\u3000", " "),
        ("\u00a0", " "),
        ("\t", " "),
        ("\uff21", "A"),
        ("\uff76", "\u30ab"),
    ]
    lines = ["\t".join(" ".join(f"{ord(c):X}" for c in text) for text in pair) for pair in pairs]
    rules.write_text("\n".join(lines) + "\n")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_prefix=str(folder / "spiece"),
        normalization_rule_tsv=str(rules),
        num_threads=1,
        minloglevel=2,
        **options,
    )
    rules.unlink()
    (folder / "spiece.vocab").unlink()
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))


def read_pieces(name: str):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString((HERE / name / "spiece.model").read_bytes())
    return proto


def make_unigram() -> Tokenizer:
    """The pieces of the sentencepiece model in a tokenizer.json, as transformers converts T5's."""
    proto = read_pieces("unigram_model")
    tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in proto.pieces], 2, False))
    charsmap = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
    data = json.loads(tokenizer.to_str())
    data["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": charsmap}
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return write_json(tokenizer, "unigram")


def make_marian(source: sentencepiece.SentencePieceProcessor) -> callable:
    folder = HERE / "marian"
    folder.mkdir(exist_ok=True)
    shutil.copy(HERE / "unigram_model" / "spiece.model", folder / "source.spm")
    pieces = sorted({piece.piece for name in ("unigram_model", "bpe_model") for piece in read_pieces(name).pieces})
    numbers: dict[str, int] = {}
    for text in ["</s>", "<unk>", *pieces, ">>fra<<", "<pad>"]:
        numbers.setdefault(text, len(numbers))
    (folder / "vocab.json").write_text(json.dumps(numbers, ensure_ascii=False))

    def encode(text: str) -> list[int]:
        code = []
        if text.startswith(">>") and "<<" in text:
            end = text.index("<<") + 2
            code, text = [text[:end]], text[end:]
        tokens = code + source.encode(text, out_type=str) + ["</s>"]
        return [numbers.get(token, numbers["<unk>"]) for token in tokens]

    return encode


def main() -> None:
    texts = make_texts(160)
    cases: dict[str, list] = {"texts": texts}
    found = {
        "bert": make_bert(),
        "clip": make_clip(),
        "gpt2": make_gpt2(),
        "llama2": make_llama2(),
        "steps": make_steps(),
    }
    for name, tokenizer in found.items():
        cases[name] = [[tokenizer.encode(text).ids for text in texts]]
        cases[name].append([tokenizer.decode(ids) for ids in cases[name][0]])
    cases["bert_vocab"], cases["clip_vocab"] = cases["bert"], cases["clip"]
    llama3 = make_llama3(found["gpt2"])
    cases["llama3"] = [[llama3.encode(text).ids for text in texts]]
    unigram = train_sentencepiece(
        "unigram_model", vocab_size=500, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, user_defined_symbols=["<x>", "cat"]
    )
    bpe = train_sentencepiece("bpe_model", vocab_size=700, model_type="bpe", byte_fallback=True)
    marian = make_marian(unigram)
    tokenizer = make_unigram()
    cases["unigram"] = [[tokenizer.encode(text).ids for text in texts]]
    # Special tokens in a text are not sentencepiece's matter, and its API ends texts at zeros.
    plain = [
        i for i, text in enumerate(texts) if "\0" not in text and not any(s in text for s in ("<s>", "</s>", "<unk>"))
    ]
    for name, encode in {"unigram_model": unigram.encode, "bpe_model": bpe.encode, "marian": marian}.items():
        cases[name] = [[encode(text) if i in plain else None for i, text in enumerate(texts)]]
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in cases.items()]
    (HERE / "cases.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
