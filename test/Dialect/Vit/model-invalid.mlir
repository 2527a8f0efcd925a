// RUN: vit-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{#vit.preprocess has resize = [1, 2, 3]; needs 1 or 2 positive numbers}}
#preprocess_c1_resize_three = #vit.preprocess<resize = [1, 2, 3]>

// -----

// expected-error @+1 {{#vit.preprocess has resize = []; needs 1 or 2 positive numbers}}
#preprocess_c1_resize_empty = #vit.preprocess<resize = []>

// -----

// expected-error @+1 {{#vit.preprocess has resize = [0]; needs 1 or 2 positive numbers}}
#preprocess_c1_resize_zero = #vit.preprocess<resize = [0]>

// -----

// expected-error @+1 {{#vit.preprocess has inside and 1 numbers of resize; needs 2}}
#preprocess_c1_inside_one = #vit.preprocess<resize = [8], inside = true>

// -----

// expected-error @+1 {{#vit.preprocess has inside and 0 numbers of resize; needs 2}}
#preprocess_c1_inside_none = #vit.preprocess<inside = true>

// -----

// expected-error @+1 {{#vit.preprocess has crop = [8]; needs 2 positive numbers}}
#preprocess_c1_crop_one = #vit.preprocess<crop = [8]>

// -----

// expected-error @+1 {{#vit.preprocess has crop = [8, -8]; needs 2 positive numbers}}
#preprocess_c1_crop_negative = #vit.preprocess<crop = [8, -8]>

// -----

// expected-error @+1 {{#vit.preprocess has interpolation = 6; needs 0 to 5}}
#preprocess_c2_interpolation = #vit.preprocess<interpolation = 6>

// -----

// expected-error @+1 {{#vit.preprocess has mean without std; needs both or neither}}
#preprocess_c3_mean_alone = #vit.preprocess<mean = [0.5]>

// -----

// expected-error @+1 {{#vit.preprocess has std without mean; needs both or neither}}
#preprocess_c3_std_alone = #vit.preprocess<std = [0.5]>

// -----

// expected-error @+1 {{#vit.preprocess has 3 entries of mean and 1 of std; needs as many of each, 1 to 4}}
#preprocess_c3_lengths = #vit.preprocess<mean = [0.5, 0.5, 0.5], std = [0.5]>

// -----

// expected-error @+1 {{#vit.preprocess has 5 entries of mean and 5 of std; needs as many of each, 1 to 4}}
#preprocess_c3_five = #vit.preprocess<mean = [0.5, 0.5, 0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5, 0.5, 0.5]>

// -----

// expected-error @+1 {{#vit.preprocess has std = [}}
#preprocess_c3_std_zero = #vit.preprocess<mean = [0.5, 0.5], std = [0.5, 0.0]>

// -----

// expected-error @+1 {{#vit.token_grid has 0 x 4 patches; needs 1 x 1 or more}}
#token_grid_c1_height = #vit.token_grid<prefix = 1, height = 0, width = 4, classToken = true>

// -----

// expected-error @+1 {{#vit.token_grid has 4 x -1 patches; needs 1 x 1 or more}}
#token_grid_c1_width = #vit.token_grid<prefix = 1, height = 4, width = -1, classToken = true>

// -----

// expected-error @+1 {{#vit.token_grid has prefix = -1; needs 0 or more}}
#token_grid_c1_prefix = #vit.token_grid<prefix = -1, height = 4, width = 4, classToken = false>

// -----

// expected-error @+1 {{#vit.token_grid has prefix = 0; needs 1 or more}}
#token_grid_c1_class_token = #vit.token_grid<prefix = 0, height = 4, width = 4, classToken = true>

// -----

// expected-error @+1 {{#vit.text has a tokenizer of type 'tensor<2x2xi8>'; needs a vector of i8}}
#text_c1_rank = #vit.text<tokenizer = dense_resource<tokenizer> : tensor<2x2xi8>, maxLength = 77, ids = "input_ids">

// -----

// expected-error @+1 {{#vit.text has a tokenizer of type 'tensor<4xf32>'; needs a vector of i8}}
#text_c1_type = #vit.text<tokenizer = dense_resource<tokenizer> : tensor<4xf32>, maxLength = 77, ids = "input_ids">

// -----

// expected-error @+1 {{#vit.text has maxLength = 0; needs 1 or more}}
#text_c2_length = #vit.text<tokenizer = dense_resource<tokenizer> : tensor<4xi8>, maxLength = 0, ids = "input_ids">

// -----

// expected-error @+1 {{#vit.model has task = "pose"; needs tensor, classification, embedding, segmentation, detection, picture, ranking, fill-mask or generation}}
#model_c1_task = #vit.model<name = "vit", task = "pose", source = "", parameters = 0>

// -----

// expected-error @+1 {{#vit.model has parameters = -1; needs 0 or more}}
#model_c2_parameters = #vit.model<name = "vit", task = "tensor", source = "", parameters = -1>

// -----

// expected-error @+1 {{#vit.model has label 1 : i64; needs strings}}
#model_c3_label = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0, labels = ["zero", 1]>

// -----

// expected-error @+1 {{#vit.ranking has scale = 0.000000e+00 : f64; needs a positive finite number}}
#ranking_c1_scale = #vit.ranking<scale = 0.0 : f64, bias = 0.0 : f64>

// -----

// expected-error @+1 {{#vit.ranking has bias = 0x7FF0000000000000 : f64; needs a finite number}}
#ranking_c1_bias = #vit.ranking<scale = 1.0 : f64, bias = 0x7FF0000000000000 : f64>
