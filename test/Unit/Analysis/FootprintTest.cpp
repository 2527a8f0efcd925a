//===- FootprintTest.cpp - Counts against hand formulas -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/Footprint.h"
#include "EvaluateTest.h"
#include "vitc/Analysis/AttentionCost.h"

using namespace mlir;
using namespace vitc;

namespace {

class FootprintTest : public EvaluateTest {
protected:
  /// The ops of a function with these arguments.
  Block &parse(const std::string &arguments, const std::string &body) {
    module = parseSourceString<ModuleOp>("func.func @f(" + arguments + ") {\n" +
                                             body + "\n  return\n}",
                                         &context);
    if (!module) {
      ADD_FAILURE() << "the test's function is no MLIR";
      module = ModuleOp::create(UnknownLoc::get(&context));
      OpBuilder builder(module->getBodyRegion());
      auto empty = func::FuncOp::create(builder, module->getLoc(), "f",
                                        builder.getFunctionType({}, {}));
      return *empty.addEntryBlock();
    }
    return (*module->getOps<func::FuncOp>().begin()).getBody().front();
  }

  /// The footprint of all ops.
  Footprint count(const std::string &arguments, const std::string &body) {
    Footprint total;
    for (Operation &op : parse(arguments, body))
      total += getFootprint(&op);
    return total;
  }

  AttentionCost cost(const std::string &arguments, const std::string &body,
                     int64_t batch = 1) {
    Block &block = parse(arguments, body);
    auto ops = block.getOps<vit::AttentionOp>();
    if (ops.empty()) {
      ADD_FAILURE() << "no attention";
      return {};
    }
    return getAttentionCost(*ops.begin(), batch);
  }
};

TEST_F(FootprintTest, Linear) {
  Footprint result = count(
      "%x: tensor<2x9x8xf32>, %w: tensor<16x8xf32>, %b: tensor<16xf32>",
      "%0 = vit.linear %x, %w bias(%b : tensor<16xf32>) : tensor<2x9x8xf32>, "
      "tensor<16x8xf32> -> tensor<2x9x16xf32>");
  EXPECT_EQ(result.multiplyAdds, 2 * 9 * 8 * 16);
  EXPECT_EQ(result.otherFlops, 2 * 9 * 16);
  EXPECT_EQ(result.getFlops(), 2 * 2 * 9 * 8 * 16 + 2 * 9 * 16);
  EXPECT_EQ(result.bytes, 4 * (2 * 9 * 8 + 16 * 8 + 16 + 2 * 9 * 16));
}

TEST_F(FootprintTest, LinearActivation) {
  // Activations count the operations of their formulas.
  for (auto [activation, flops] : {std::pair("gelu", 5),
                                   {"gelu_tanh", 9},
                                   {"gelu_quick", 4},
                                   {"relu", 1},
                                   {"silu", 4},
                                   {"sigmoid", 4}}) {
    Footprint result =
        count("%x: tensor<3x8xf32>, %w: tensor<4x8xf32>",
              std::string("%0 = vit.linear %x, %w activation ") + activation +
                  " : tensor<3x8xf32>, tensor<4x8xf32> -> "
                  "tensor<3x4xf32>");
    EXPECT_EQ(result.multiplyAdds, 3 * 8 * 4) << activation;
    EXPECT_EQ(result.otherFlops, 3 * 4 * flops) << activation;
  }
}

TEST_F(FootprintTest, DynamicBatchCountsOneItem) {
  Footprint result =
      count("%x: tensor<?x9x8xf32>, %w: tensor<16x8xf32>",
            "%0 = vit.linear %x, %w : tensor<?x9x8xf32>, tensor<16x8xf32> -> "
            "tensor<?x9x16xf32>");
  EXPECT_EQ(result.multiplyAdds, 9 * 8 * 16);
  EXPECT_EQ(result.bytes, 4 * (9 * 8 + 16 * 8 + 9 * 16));
}

TEST_F(FootprintTest, DynamicWindowsCountAllOfAnItem) {
  // An 8 x 8 map in four windows.
  Footprint result = count(
      "%x: tensor<?x8x8x32xf32>, %w: tensor<16x32xf32>",
      "%0 = vit.window_partition %x window [4, 4] : tensor<?x8x8x32xf32> -> "
      "tensor<?x16x32xf32>\n"
      "%1 = vit.linear %0, %w : tensor<?x16x32xf32>, tensor<16x32xf32> -> "
      "tensor<?x16x16xf32>");
  EXPECT_EQ(result.multiplyAdds, 64 * 32 * 16);
}

TEST_F(FootprintTest, Attention) {
  const std::string arguments =
      "%q: tensor<2x3x5x8xf32>, %k: tensor<2x3x7x8xf32>, "
      "%v: tensor<2x3x7x4xf32>, %bias: tensor<1x3x5x7xf32>, "
      "%mask: tensor<2x1x5x7xf32>";
  const std::string types = " : tensor<2x3x5x8xf32>, tensor<2x3x7x8xf32>, "
                            "tensor<2x3x7x4xf32> -> tensor<2x3x5x4xf32>";
  constexpr int64_t scores = 2 * 3 * 5 * 7;
  Footprint plain =
      count(arguments, "%0 = vit.attention %q, %k, %v scale 0.5" + types);
  EXPECT_EQ(plain.multiplyAdds, scores * 8 + scores * 4);
  // Scale, and softmax's max, subtraction, exp, sum and division.
  EXPECT_EQ(plain.otherFlops, scores * 6);
  Footprint biased =
      count(arguments,
            "%0 = vit.attention %q, %k, %v bias(%bias : tensor<1x3x5x7xf32>) "
            "mask(%mask : tensor<2x1x5x7xf32>) scale 0.5" +
                types);
  EXPECT_EQ(biased.multiplyAdds, plain.multiplyAdds);
  EXPECT_EQ(biased.otherFlops, scores * 8);
}

TEST_F(FootprintTest, PatchEmbed) {
  Footprint result = count(
      "%i: tensor<?x3x32x32xf32>, %f: tensor<8x3x16x16xf32>, "
      "%b: tensor<8xf32>, %c: tensor<1x8xf32>, %p: tensor<5x8xf32>",
      "%0 = vit.patch_embed %i, %f bias(%b : tensor<8xf32>) tokens(%c : "
      "tensor<1x8xf32>) position(%p : tensor<5x8xf32>) : "
      "tensor<?x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<?x5x8xf32>");
  // The class token has no product; it has a position.
  EXPECT_EQ(result.multiplyAdds, 4 * 8 * 3 * 16 * 16);
  EXPECT_EQ(result.otherFlops, 4 * 8 + 5 * 8);
}

TEST_F(FootprintTest, GroupedConvolution) {
  Footprint result = count(
      "%x: tensor<1x8x32x32xf32>, %w: tensor<16x2x3x3xf32>",
      "%0 = vit.conv2d %x, %w stride [2, 2] pad [1, 1, 1, 1] groups 4 : "
      "tensor<1x8x32x32xf32>, tensor<16x2x3x3xf32> -> tensor<1x16x16x16xf32>");
  EXPECT_EQ(result.multiplyAdds, 16 * 16 * 16 * 2 * 3 * 3);
}

TEST_F(FootprintTest, Norms) {
  Footprint layer =
      count("%x: tensor<2x4x8xf32>, %s: tensor<8xf32>, %t: tensor<8xf32>",
            "%0 = vit.layer_norm %x scale(%s : tensor<8xf32>) shift(%t : "
            "tensor<8xf32>) epsilon 1.0e-6 : tensor<2x4x8xf32>");
  EXPECT_EQ(layer.multiplyAdds, 0);
  EXPECT_EQ(layer.otherFlops, 2 * 4 * 8 * 8);
  Footprint rms =
      count("%x: tensor<2x4x8xf32>, %s: tensor<8xf32>",
            "%0 = vit.rms_norm %x scale(%s : tensor<8xf32>) epsilon 1.0e-6 : "
            "tensor<2x4x8xf32>");
  EXPECT_EQ(rms.otherFlops, 2 * 4 * 8 * 4);
}

TEST_F(FootprintTest, Contraction) {
  Footprint result = count(
      "%a: tensor<2x4x8xf32>, %b: tensor<2x8x16xf32>, %c: tensor<2x4x16xf32>",
      "%0 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, "
      "k)>, affine_map<(b, m, n, k) -> (b, k, n)>, affine_map<(b, m, n, k) -> "
      "(b, m, n)>] ins(%a, %b : tensor<2x4x8xf32>, tensor<2x8x16xf32>) "
      "outs(%c : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>");
  EXPECT_EQ(result.multiplyAdds, 2 * 4 * 8 * 16);
  EXPECT_EQ(result.otherFlops, 0);
  // What the result is added to is no input.
  EXPECT_EQ(result.bytes, 4 * (2 * 4 * 8 + 2 * 8 * 16 + 2 * 4 * 16));
}

TEST_F(FootprintTest, ElementwiseOpsCountTheirBody) {
  Footprint result = count(
      "%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %o: tensor<?x8xf32>",
      "%0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, "
      "affine_map<(i, j) -> (i, j)>], iterator_types = [\"parallel\", "
      "\"parallel\"]} ins(%x : tensor<?x8xf32>) outs(%o : tensor<?x8xf32>) {\n"
      "^bb0(%a: f32, %z: f32):\n"
      "  %c = arith.constant 2.0 : f32\n"
      "  %1 = arith.mulf %a, %c : f32\n"
      "  %2 = math.exp %1 : f32\n"
      "  linalg.yield %2 : f32\n"
      "} -> tensor<?x8xf32>\n"
      "%3 = arith.addf %x, %y : tensor<?x8xf32>");
  EXPECT_EQ(result.multiplyAdds, 0);
  EXPECT_EQ(result.otherFlops, 8 * 2 + 8);
}

TEST_F(FootprintTest, Softmax) {
  Footprint result = count(
      "%x: tensor<2x8xf32>, %o: tensor<2x8xf32>",
      "%0 = linalg.softmax dimension(1) ins(%x : tensor<2x8xf32>) outs(%o : "
      "tensor<2x8xf32>) -> tensor<2x8xf32>");
  EXPECT_EQ(result.otherFlops, 2 * 8 * 5);
}

TEST_F(FootprintTest, MovementCountsNothing) {
  Footprint result = count(
      "%x: tensor<1x8x8x32xf32>",
      "%0 = vit.window_partition %x window [4, 4] : tensor<1x8x8x32xf32> -> "
      "tensor<4x16x32xf32>\n"
      "%1 = vit.split_heads %0 heads 2 : tensor<4x16x32xf32> -> "
      "tensor<4x2x16x16xf32>\n"
      "%2 = tensor.collapse_shape %x [[0, 1, 2], [3]] : tensor<1x8x8x32xf32> "
      "into tensor<64x32xf32>\n"
      "%3 = tensor.extract_slice %2 [0, 0] [1, 32] [1, 1] : tensor<64x32xf32> "
      "to tensor<1x32xf32>");
  EXPECT_EQ(result.getFlops(), 0);
  EXPECT_EQ(result.bytes, 0);
}

//===----------------------------------------------------------------------===//
// Attention layers beside their formulas
//===----------------------------------------------------------------------===//

/// A layer of `tokens` tokens of width 8 in 2 heads on `%x`, of type `batch` x
/// tokens x 8: linear layers for queries, keys, values and the result.
static std::string makeLayer(const std::string &batch,
                             const std::string &tokens) {
  std::string x = "tensor<" + batch + "x" + tokens + "x8xf32>";
  std::string h = "tensor<" + batch + "x2x" + tokens + "x4xf32>";
  std::string body;
  for (std::string role : {"q", "k", "v"})
    body += "%" + role + " = vit.linear %x, %w : " + x +
            ", tensor<8x8xf32> -> " + x + "\n%h" + role +
            " = vit.split_heads %" + role + " heads 2 : " + x + " -> " + h +
            "\n";
  return body + "%a = vit.attention %hq, %hk, %hv scale 0.5 : " + h + ", " + h +
         ", " + h + " -> " + h + "\n%m = vit.merge_heads %a : " + h + " -> " +
         x + "\n%r = vit.linear %m, %w : " + x + ", tensor<8x8xf32> -> " + x;
}

TEST_F(FootprintTest, GlobalAttention) {
  for (const char *batch : {"1", "?"}) {
    AttentionCost result = cost(std::string("%x: tensor<") + batch +
                                    "x9x8xf32>, %w: tensor<8x8xf32>",
                                makeLayer(batch, "9"));
    EXPECT_EQ(result.kind, AttentionKind::Global);
    EXPECT_EQ(result.tokens, 9);
    EXPECT_EQ(result.width, 8);
    EXPECT_EQ(result.heads, 2);
    // 4 n C^2 + 2 n^2 C
    EXPECT_EQ(result.formula, 4 * 9 * 8 * 8 + 2 * 9 * 9 * 8);
    EXPECT_EQ(result.multiplyAdds, result.formula);
  }
}

TEST_F(FootprintTest, ItemsOfAStaticBatchAreNoWindows) {
  AttentionCost result = cost("%x: tensor<3x9x8xf32>, %w: tensor<8x8xf32>",
                              makeLayer("3", "9"), /*batch=*/3);
  EXPECT_EQ(result.kind, AttentionKind::Global);
  EXPECT_EQ(result.tokens, 9);
  EXPECT_EQ(result.multiplyAdds, 4 * 9 * 8 * 8 + 2 * 9 * 9 * 8);
}

TEST_F(FootprintTest, WindowedAttention) {
  // A 4 x 4 map in four windows of 2 x 2.
  AttentionCost result = cost("%map: tensor<?x4x4x8xf32>, %w: tensor<8x8xf32>",
                              "%x = vit.window_partition %map window [2, 2] : "
                              "tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>\n" +
                                  makeLayer("?", "4"));
  EXPECT_EQ(result.kind, AttentionKind::Windowed);
  EXPECT_EQ(result.tokens, 16);
  EXPECT_EQ(result.windowTokens, 4);
  // 4 n C^2 + 2 M^2 n C
  EXPECT_EQ(result.formula, 4 * 16 * 8 * 8 + 2 * 4 * 16 * 8);
  EXPECT_EQ(result.multiplyAdds, result.formula);
}

/// Linformer: 9 tokens, 3 projected keys, width 8; keys and values projected
/// along the sequence by `valueProjection` and %e.
static std::string makeLinformer(const std::string &projectedValue) {
  auto project = [](const std::string &role, const std::string &from) {
    return "%t" + role + " = linalg.transpose ins(%" + from +
           " : tensor<1x9x8xf32>) outs(%et : tensor<1x8x9xf32>) permutation = "
           "[0, 2, 1]\n%p" +
           role + " = vit.linear %t" + role +
           ", %e : tensor<1x8x9xf32>, tensor<3x9xf32> -> tensor<1x8x3xf32>\n"
           "%u" +
           role + " = linalg.transpose ins(%p" + role +
           " : tensor<1x8x3xf32>) outs(%ep : tensor<1x3x8xf32>) permutation = "
           "[0, 2, 1]\n";
  };
  std::string x = "tensor<1x9x8xf32>", heads = "tensor<1x2x3x4xf32>";
  std::string body = "%et = tensor.empty() : tensor<1x8x9xf32>\n"
                     "%ep = tensor.empty() : tensor<1x3x8xf32>\n";
  for (std::string role : {"q", "k", "v"})
    body += "%" + role + " = vit.linear %x, %w" + " : " + x +
            ", tensor<8x8xf32> -> " + x + "\n";
  body += project("k", "k");
  if (projectedValue == "uv")
    body += project("v", "v");
  return body + "%hq = vit.split_heads %q heads 2 : " + x +
         " -> tensor<1x2x9x4xf32>\n"
         "%hk = vit.split_heads %uk heads 2 : tensor<1x3x8xf32> -> " +
         heads + "\n%hv = vit.split_heads %" + projectedValue +
         " heads 2 : tensor<1x3x8xf32> -> " + heads +
         "\n%a = vit.attention %hq, %hk, %hv scale 0.5 : "
         "tensor<1x2x9x4xf32>, " +
         heads + ", " + heads +
         " -> tensor<1x2x9x4xf32>\n"
         "%m = vit.merge_heads %a : tensor<1x2x9x4xf32> -> " +
         x + "\n%r = vit.linear %m, %w : " + x + ", tensor<8x8xf32> -> " + x;
}

static constexpr const char *kLinformerArguments =
    "%x: tensor<1x9x8xf32>, %w: tensor<8x8xf32>, %e: tensor<3x9xf32>";

TEST_F(FootprintTest, ProjectedAttention) {
  AttentionCost result = cost(kLinformerArguments, makeLinformer("uv"));
  EXPECT_EQ(result.kind, AttentionKind::Projected);
  EXPECT_EQ(result.keys, 3);
  // 4 n C^2 + 2 n k C of attention + 2 n k C of the projections
  EXPECT_EQ(result.formula, 4 * 9 * 8 * 8 + 2 * 9 * 3 * 8 + 2 * 9 * 3 * 8);
  EXPECT_EQ(result.multiplyAdds, result.formula);
}

TEST_F(FootprintTest, SharedProjectionIsCountedOnce) {
  // Values are the projected keys: their linear layer and projection are gone.
  AttentionCost result = cost(kLinformerArguments, makeLinformer("uk"));
  EXPECT_EQ(result.multiplyAdds, result.formula - 9 * 8 * 8 - 9 * 3 * 8);
}

TEST_F(FootprintTest, CrossAttention) {
  // 9 queries with the keys of 5 other tokens, and of 13.
  for (auto [queries, keys] : {std::pair(9, 5), std::pair(9, 13)}) {
    std::string n = std::to_string(queries), k = std::to_string(keys);
    std::string x = "tensor<1x" + n + "x8xf32>",
                y = "tensor<1x" + k + "x8xf32>";
    std::string hx = "tensor<1x2x" + n + "x4xf32>",
                hy = "tensor<1x2x" + k + "x4xf32>";
    auto project = [](const std::string &role, const std::string &from,
                      const std::string &type, const std::string &heads) {
      return "%" + role + " = vit.linear " + from + ", %w : " + type +
             ", tensor<8x8xf32> -> " + type + "\n%h" + role +
             " = vit.split_heads %" + role + " heads 2 : " + type + " -> " +
             heads + "\n";
    };
    AttentionCost result = cost(
        "%x: " + x + ", %y: " + y + ", %w: tensor<8x8xf32>",
        project("q", "%x", x, hx) + project("k", "%y", y, hy) +
            project("v", "%y", y, hy) +
            "%a = vit.attention %hq, %hk, %hv scale 0.5 : " + hx + ", " + hy +
            ", " + hy + " -> " + hx + "\n%m = vit.merge_heads %a : " + hx +
            " -> " + x + "\n%r = vit.linear %m, %w : " + x +
            ", tensor<8x8xf32> -> " + x);
    EXPECT_EQ(result.kind, AttentionKind::Cross);
    EXPECT_EQ(getName(result.kind), "cross");
    // 2 n C^2 + 2 k C^2 + 2 n k C
    EXPECT_EQ(result.formula,
              2 * queries * 8 * 8 + 2 * keys * 8 * 8 + 2 * queries * keys * 8);
    EXPECT_EQ(result.multiplyAdds, result.formula);
  }
}

TEST_F(FootprintTest, LayersAroundAreNotCounted) {
  // Before and behind the layer: a linear layer behind a norm, and one that
  // reads a sum with the layer's input.
  std::string x = "tensor<1x9x8xf32>";
  AttentionCost result =
      cost("%i: " + x + ", %w: tensor<8x8xf32>",
           "%j = vit.linear %i, %w : " + x + ", tensor<8x8xf32> -> " + x +
               "\n%x = vit.layer_norm %j epsilon 1.0e-6 : " + x + "\n" +
               makeLayer("1", "9") + "\n%s = arith.addf %j, %r : " + x +
               "\n%t = vit.linear %s, %w : " + x + ", tensor<8x8xf32> -> " + x);
  EXPECT_EQ(result.multiplyAdds, 4 * 9 * 8 * 8 + 2 * 9 * 9 * 8);
}

} // namespace
