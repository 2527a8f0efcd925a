// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v4", cpu = "x86-64-v4", features = "", lanes = 16, registers = 32, fma = true>}
module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v4", cpu = "x86-64-v4", features = "", lanes = 16,
                                            registers = 32, fma = true>} {
  // CHECK: func.func private @entry(!kernel.context) attributes {kernel.entry = #kernel.entry<inputs = [<name = "x", type = tensor<?x4xf32>>, <name = "y", type = tensor<4xf32>>], outputs = [<name = "z", type = tensor<?x4xf32>>], arena = 64, per_batch = 128>}
  func.func private @entry(!kernel.context) attributes {kernel.entry =
      #kernel.entry<inputs = [<name = "x", type = tensor<?x4xf32>>, <name = "y", type = tensor<4xf32>>],
                    outputs = [<name = "z", type = tensor<?x4xf32>>], arena = 64, per_batch = 128>}
  // CHECK: #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
  func.func private @empty_entry(!kernel.context)
      attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>}
  // CHECK: counted = [0, 1]>, <name = "n", type = tensor<1xi64>>]
  func.func private @counted(!kernel.context) attributes {kernel.entry =
      #kernel.entry<inputs = [], outputs = [<name = "z", type = tensor<4xf32>, counted = [0, 1]>,
                                            <name = "n", type = tensor<1xi64>>], arena = 0, per_batch = 0>}
  // CHECK: #kernel.code<scratch = 1024, onednn = true, sites = [<source = "blocks.0", kernel = "gemm", work = [1, 2, 3, 4]>, <source = "", kernel = "norm">]>
  func.func private @code() attributes {kernel.code =
      #kernel.code<scratch = 1024, onednn = true, sites = [<source = "blocks.0", kernel = "gemm", work = [1, 2, 3, 4]>,
                                                           <source = "", kernel = "norm">]>}
  // CHECK: #kernel.code<scratch = 0, onednn = false, sites = []>
  func.func private @no_code() attributes {kernel.code = #kernel.code<scratch = 0, onednn = false, sites = []>}
}
