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

// expected-error @+1 {{#vit.model has task = "segmentation"; needs tensor, classification or embedding}}
#model_c1_task = #vit.model<name = "vit", task = "segmentation", source = "", parameters = 0>

// -----

// expected-error @+1 {{#vit.model has parameters = -1; needs 0 or more}}
#model_c2_parameters = #vit.model<name = "vit", task = "tensor", source = "", parameters = -1>

// -----

// expected-error @+1 {{#vit.model has label 1 : i64; needs strings}}
#model_c3_label = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0, labels = ["zero", 1]>
