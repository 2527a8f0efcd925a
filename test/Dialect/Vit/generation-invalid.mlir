// RUN: vit-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{#vit.generation has 0 start tokens and maxLength = 20; needs 1 or more, and a larger length}}
#generation = #vit.generation<token = "token", scores = "logits", start = [], end = [1], pad = 0, maxLength = 20>

// -----

// expected-error @+1 {{#vit.generation has 2 start tokens and maxLength = 2; needs 1 or more, and a larger length}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0, 1], end = [1], pad = 0, maxLength = 2>

// -----

// expected-error @+1 {{#vit.generation has minLength = 20; needs 0 to 19}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, minLength = 20>

// -----

// expected-error @+1 {{#vit.generation has suppressed token -7; needs 0 or more}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, suppressed = [3, -7]>

// -----

// expected-error @+1 {{#vit.generation has forcedFirst = -2 and forcedLast = -1; needs 0 or more, or -1 for none}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, forcedFirst = -2>

// -----

// expected-error @+1 {{#vit.generation has beams = 0 and noRepeatNgram = 0; needs 1 to 1024 and 0 or more}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, beams = 0>

// -----

// expected-error @+1 {{#vit.generation has lengthPenalty = 0x7FF0000000000000 : f64; needs a finite number}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, lengthPenalty = 0x7FF0000000000000 : f64>

// -----

// expected-error @+1 {{#vit.generation has repetitionPenalty = 0.000000e+00 : f64; needs a positive finite number}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, repetitionPenalty = 0.0 : f64>

// -----

// expected-error @+1 {{#vit.generation has a tokenizer of type 'tensor<4xf32>'; needs a vector of i8}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, tokenizer = dense_resource<tokenizer> : tensor<4xf32>>

// -----

// expected-error @+1 {{#vit.generation has pad = -1; needs 0 or more}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = -1, maxLength = 20>

// -----

// expected-error @+1 {{#vit.model has task = "generation" without #vit.generation; needs both or neither}}
#model_c1_generation = #vit.model<name = "gru", task = "generation", source = "", parameters = 0>

// -----

// expected-error @+1 {{#vit.generation has beams = 1025 and noRepeatNgram = 0; needs 1 to 1024 and 0 or more}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, beams = 1025>

// -----

// expected-error @+1 {{#vit.generation has beams = 1 and noRepeatNgram = -1; needs 1 to 1024 and 0 or more}}
#generation = #vit.generation<token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20, noRepeatNgram = -1>
