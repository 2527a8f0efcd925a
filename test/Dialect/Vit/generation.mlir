// RUN: vit-opt %s -split-input-file | vit-opt -split-input-file | FileCheck %s

// What is a default is not printed.
// CHECK: generation = <token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20>
module attributes {vit.model = #vit.model<name = "gru", task = "generation", source = "", parameters = 0,
    generation = <token = "token", scores = "logits", start = [0], end = [1], pad = 0, maxLength = 20,
                  minLength = 0, beams = 1, earlyStopping = off, forcedFirst = -1>>} {}

// -----

// CHECK: generation = <token = "ids", position = "position", scores = "logits", start = [0, 4], end = [1, 2],
// CHECK-SAME: pad = 3, maxLength = 20, minLength = 5, promptReplacesStart = true, beams = 4, lengthPenalty = 5.000000e-01 : f64,
// CHECK-SAME: earlyStopping = never, repetitionPenalty = 1.200000e+00 : f64, noRepeatNgram = 3, suppressed = [7],
// CHECK-SAME: beginSuppressed = [8], forcedFirst = 9, forcedLast = 1, renormalize = true>
module attributes {vit.model = #vit.model<name = "t5", task = "generation", source = "", parameters = 0,
    generation = <token = "ids", position = "position", scores = "logits", start = [0, 4], end = [1, 2], pad = 3,
                  maxLength = 20, minLength = 5, promptReplacesStart = true, beams = 4, lengthPenalty = 0.5 : f64,
                  earlyStopping = never, repetitionPenalty = 1.2 : f64, noRepeatNgram = 3, suppressed = [7],
                  beginSuppressed = [8], forcedFirst = 9, forcedLast = 1, renormalize = true>>} {}
