// RUN: vit-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{#vit.attention_layer "a" has part of window, size and shift; needs all three or none}}
#layer = #vit.attention_layer<number = 0, name = "a", window = [4, 4], size = [8, 8]>

// -----

// expected-error @+1 {{#vit.attention_layer "a" has 1, 2 and 2 numbers as window, size and shift; needs 2 each}}
#layer = #vit.attention_layer<number = 0, name = "a", window = [4], size = [8, 8], shift = [0, 0]>

// -----

// expected-error @+1 {{#vit.attention_layer "a" has a window of 4 in a size of 10, shifted by 0; needs a divisor and less than the size}}
#layer = #vit.attention_layer<number = 0, name = "a", window = [4, 4], size = [8, 10], shift = [0, 0]>

// -----

// expected-error @+1 {{#vit.attention_layer "a" has a window of 4 in a size of 8, shifted by 8; needs a divisor and less than the size}}
#layer = #vit.attention_layer<number = 0, name = "a", window = [4, 4], size = [8, 8], shift = [8, 0]>

// -----

// expected-error @+1 {{#vit.attention_layer "a" has a grid larger than the size [8, 8]}}
#layer = #vit.attention_layer<number = 0, name = "a",
    keys = <prefix = 0, height = 9, width = 8, classToken = false>, window = [4, 4], size = [8, 8], shift = [0, 0]>

// -----

// expected-error @+1 {{#vit.attention_layer "a" has projection = 0 and windows; needs -1, or a result's number without windows}}
#layer = #vit.attention_layer<number = 0, name = "a", window = [4, 4], size = [8, 8], shift = [0, 0], projection = 0>

// -----

// expected-error @+1 {{#vit.attention_layer "a" has projection = -2; needs -1, or a result's number without windows}}
#layer = #vit.attention_layer<number = 0, name = "a", projection = -2>
