# ===- generation_cases.py - What transformers' generate() chooses -------------===#
#
# Part of the vitc project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------------===#
"""Writes GenerationCases.inc: tokens and scores of transformers' generate() on a toy model.

The toy's logit of token b at place n behind token a is a number that C++ computes, too: no weights are stored.
Run with an environment that has torch and transformers:

    python generation_cases.py > GenerationCases.inc
"""

import torch
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

VOCABULARY = 11

BANNER = """\
//===- GenerationCases.inc - What transformers chooses -----------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Made by generation_cases.py. Do not edit."""


def logit(seed, place, last, token):
    return ((seed * 15485863 + place * 1299709 + last * 7919 + token * 104729) % 1009) / 100


class ToyConfig(PretrainedConfig):
    model_type = "toy"

    def __init__(self, seed=0, **rest):
        super().__init__(**rest)
        self.seed, self.vocab_size, self.num_hidden_layers = seed, VOCABULARY, 1


class Toy(PreTrainedModel, GenerationMixin):
    config_class = ToyConfig

    def __init__(self, config):
        super().__init__(config)
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.post_init()

    def prepare_inputs_for_generation(self, input_ids, **rest):
        return {"input_ids": input_ids}

    def forward(self, input_ids, **rest):
        rows = [
            [
                [logit(self.config.seed, n, int(last), token) for token in range(VOCABULARY)]
                for n, last in enumerate(row)
            ]
            for row in input_ids
        ]
        return CausalLMOutput(logits=torch.tensor(rows, dtype=torch.float32))


# Options as GenerationDescriptor names them; what is missing has its default.
CASES = [
    {},
    {"beams": 3},
    {"beams": 4, "lengthPenalty": 2.0},
    {"beams": 4, "lengthPenalty": 0.0, "earlyStopping": "Never"},
    {"beams": 4, "lengthPenalty": 2.0, "earlyStopping": "Never"},
    {"beams": 4, "lengthPenalty": -1.0, "earlyStopping": "Off"},
    {"beams": 2, "earlyStopping": "On"},
    {"beams": 5, "earlyStopping": "On", "lengthPenalty": 0.5},
    {"minLength": 6},
    {"beams": 3, "minLength": 7},
    {"noRepeatNgram": 2},
    {"beams": 3, "noRepeatNgram": 2},
    {"beams": 3, "noRepeatNgram": 1, "end": [1, 2]},
    {"repetitionPenalty": 1.7},
    {"beams": 3, "repetitionPenalty": 0.6},
    {"suppressed": [3, 9]},
    {"beams": 3, "suppressed": [0], "renormalize": True},
    {"beginSuppressed": [1, 4, 5]},
    {"forcedFirst": 7, "beginSuppressed": [1, 4, 5]},
    {"beams": 3, "forcedFirst": 7, "forcedLast": 1},
    {"prompt": [4, 2, 2], "beams": 4},
    {"prompt": [4, 2, 2], "minLength": 5},
    {"end": [], "beams": 3},
    {"end": [1, 8], "beams": 3},
]
NAMES = {
    "beams": "num_beams",
    "lengthPenalty": "length_penalty",
    "minLength": "min_length",
    "noRepeatNgram": "no_repeat_ngram_size",
    "repetitionPenalty": "repetition_penalty",
    "beginSuppressed": "begin_suppress_tokens",
    "forcedFirst": "forced_bos_token_id",
    "forcedLast": "forced_eos_token_id",
    "renormalize": "renormalize_logits",
}
EARLY = {"Off": False, "On": True, "Never": "never"}


def generate(seed, case):
    options = {NAMES[name]: value for name, value in case.items() if name in NAMES}
    options["early_stopping"] = EARLY[case.get("earlyStopping", "Off")]
    if case.get("suppressed"):
        options["bad_words_ids"] = [[token] for token in case["suppressed"]]
    end = case.get("end", [1])
    config = GenerationConfig(
        max_length=12,
        pad_token_id=0,
        bos_token_id=5,
        eos_token_id=end or None,
        use_cache=False,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    model = Toy(ToyConfig(seed=seed)).eval()
    prompt = case.get("prompt", [5])
    result = model.generate(torch.tensor([prompt]), generation_config=config)
    tokens = result.sequences[0, len(prompt) :].tolist()
    score = float(result.sequences_scores[0]) if case.get("beams", 1) > 1 else None
    return tokens, score


def format_list(tokens):
    return "{" + ", ".join(map(str, tokens)) + "}"


def main():
    print(BANNER)
    for case in CASES:
        for seed in range(6):
            tokens, score = generate(seed, case)
            fields = [
                str(seed),
                format_list(case.get("prompt", [5])),
                format_list(case.get("end", [1])),
                format_list(case.get("suppressed", [])),
                format_list(case.get("beginSuppressed", [])),
                str(case.get("beams", 1)),
                "EarlyStopping::" + case.get("earlyStopping", "Off"),
                str(case.get("minLength", 0)),
                str(case.get("noRepeatNgram", 0)),
                str(case.get("forcedFirst", -1)),
                str(case.get("forcedLast", -1)),
                "true" if case.get("renormalize") else "false",
                str(case.get("lengthPenalty", 1.0)),
                str(case.get("repetitionPenalty", 1.0)),
                format_list(tokens),
                "kNoScore" if score is None else repr(score),
            ]
            print("{" + ", ".join(fields) + "},")


if __name__ == "__main__":
    main()
