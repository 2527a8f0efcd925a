//===- TimmLayers.h - Layers whose weights say their sizes -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the families of timm with convolutions and several stages are made of.
// Widths, kernels, groups and biases are those of the weights, so that a family
// says only what its layers are called and how they are joined.
//
// Maps are [B, C, H, W], tokens [B, N, C]. A layer that cannot be built reports
// why and is null; a layer of null is null.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_TIMMLAYERS_H
#define VITC_LIB_IMPORT_TIMM_TIMMLAYERS_H

#include "HuggingFace/Checkpoint.h"
#include "HuggingFace/Config.h"
#include "LayerBuilder.h"
#include "Onnx/TensorBuilder.h"
#include "RotaryPositions.h"
#include "VitSpec.h"
#include "llvm/ADT/StringSet.h"

#include <array>

namespace vitc::import_ {

enum class TimmActivation { None, Gelu, GeluTanh, Relu, Silu, HardSwish, Tanh };

/// Which rows of positions are of a query and a key.
enum class TimmRelative {
  /// query - key of grids that cover one another, from the most negative on:
  /// LAYER.rel_pos_h and LAYER.rel_pos_w.
  FromKey,
  /// key - query, the query's grid being the key's first places:
  /// LAYER.pos_embed.height_rel and LAYER.pos_embed.width_rel.
  FromQuery
};

/// How a filter or a window moves over a map.
struct TimmSteps {
  int64_t stride = 1;
  /// On each side; none: half of the kernel.
  std::optional<int64_t> pad = std::nullopt;
  /// As many positions as the stride gives, the odd row or column of the
  /// padding behind the map, as TensorFlow does.
  bool same = false;
};

class TimmLayers {
public:
  /// `because` says in messages which architecture needs a weight.
  TimmLayers(LayerBuilder &layers, Checkpoint &checkpoint, Config &config,
             Config &arguments, mlir::Value image, std::string because);

  //===--------------------------------------------------------------------===//
  // Weights
  //===--------------------------------------------------------------------===//

  bool contains(const llvm::Twine &weight) const {
    return checkpoint.contains(weight.str());
  }
  /// How many of PREFIX0SUFFIX, PREFIX1SUFFIX, ... there are.
  int64_t count(const llvm::Twine &prefix, const llvm::Twine &suffix) const;
  /// Which of the names of one weight, or of the weights that begin so, the
  /// file has; it may have the others, too.
  std::string chooseName(llvm::ArrayRef<std::string> prefixes,
                         const llvm::Twine &weight);
  /// The shape of a weight; none where it is not there or has another rank.
  std::optional<llvm::SmallVector<int64_t>>
  getWeightShape(const llvm::Twine &weight, size_t rank);
  /// The outputs and inputs of a linear layer or a convolution, which needs to
  /// be of 1x1.
  std::optional<std::pair<int64_t, int64_t>>
  getProjectionShape(const llvm::Twine &weight);
  /// The side of a square window that has a bias [H, side * side] for each
  /// distance of its places; none, with an error, for another shape.
  std::optional<int64_t> getDistanceSide(const llvm::Twine &weight);
  /// The side of the squares of tokens [B, N, C] that a matrix [outputs, side *
  /// side * C] merges; none for null, and with an error for another shape.
  std::optional<int64_t> getMergedSide(mlir::Value tokens,
                                       const llvm::Twine &matrix);
  /// A weight, which needs this shape.
  mlir::Value parameter(const llvm::Twine &weight,
                        llvm::ArrayRef<int64_t> shape,
                        WeightRole role = WeightRole::Token);

  /// Starts an error about the model; converts to a null value. What follows
  /// from the first error is not reported.
  struct Failure {
    mlir::InFlightDiagnostic error;
    template <typename T> Failure &&operator<<(T &&value) && {
      error << std::forward<T>(value);
      return std::move(*this);
    }
    operator mlir::Value() && { return {}; }
  };
  Failure fail();
  /// Whether model_args' `key` has a number for each stage; an error if not.
  bool verifyStages(llvm::StringRef key, llvm::ArrayRef<int64_t> numbers,
                    int64_t numStages);

  //===--------------------------------------------------------------------===//
  // Layers of a map
  //===--------------------------------------------------------------------===//

  /// Groups follow from the filter's shape. Where `bias` is none there is one
  /// if layers of this name have one.
  mlir::Value conv(mlir::Value map, const llvm::Twine &layer,
                   const TimmSteps &steps = {},
                   std::optional<bool> bias = std::nullopt);
  /// Of a map's channels, or of the last axis of anything else.
  mlir::Value batchNorm(mlir::Value input, const llvm::Twine &layer,
                        double epsilon = 1e-5);
  /// A convolution, its batch norm and an activation.
  mlir::Value convNorm(mlir::Value map, const llvm::Twine &conv,
                       const llvm::Twine &norm,
                       TimmActivation activation = TimmActivation::None,
                       const TimmSteps &steps = {}, double epsilon = 1e-5);
  /// The same of LAYER.CONV and LAYER.bn.
  mlir::Value convNorm(mlir::Value map, const llvm::Twine &layer,
                       TimmActivation activation = TimmActivation::None,
                       int64_t stride = 1, llvm::StringRef conv = "conv");
  /// Of the channels at each place.
  mlir::Value mapNorm(mlir::Value map, const llvm::Twine &layer, double epsilon,
                      bool bias = true);
  /// Of all channels and places.
  mlir::Value groupNorm(mlir::Value map, const llvm::Twine &layer,
                        double epsilon = 1e-5, bool bias = true);
  /// Each channel times sigmoid(fc2(activation(fc1(its mean)))).
  /// Source: Hu et al. 2018, section 3.
  mlir::Value squeezeExcite(mlir::Value map, const llvm::Twine &layer,
                            TimmActivation activation,
                            const llvm::Twine &first = "fc1",
                            const llvm::Twine &second = "fc2");
  /// The mean of those elements of each window that are in the map.
  mlir::Value averagePool(mlir::Value map, const llvm::Twine &layer,
                          int64_t kernel, const TimmSteps &steps);
  mlir::Value maxPool(mlir::Value map, const llvm::Twine &layer, int64_t kernel,
                      const TimmSteps &steps);
  /// The map of a linear layer of each patch's pixels, channels last: a weight
  /// [outputs, P * P * channels].
  mlir::Value embedPixels(mlir::Value image, const llvm::Twine &layer);
  /// A convolution without padding whose stride is its kernel.
  mlir::Value embedPatches(mlir::Value map, const llvm::Twine &layer);
  mlir::Value resize(mlir::Value map, const llvm::Twine &layer, int64_t height,
                     int64_t width);
  /// Each element `factor` times along both sides.
  mlir::Value repeat(mlir::Value map, const llvm::Twine &layer, int64_t factor);
  /// The mean of each channel, [B, C].
  mlir::Value mean(mlir::Value map, const llvm::Twine &layer);

  //===--------------------------------------------------------------------===//
  // Layers of tokens, or of any tensor whose channels are last
  //===--------------------------------------------------------------------===//

  /// A convolution of 1x1 is one, too.
  mlir::Value linear(mlir::Value input, const llvm::Twine &layer,
                     std::optional<bool> bias = std::nullopt);
  mlir::Value layerNorm(mlir::Value input, const llvm::Twine &layer,
                        double epsilon, bool bias = true);
  /// To a mean of 0 and a variance of 1, with no weights.
  mlir::Value normalize(mlir::Value input, const llvm::Twine &layer,
                        double epsilon);
  /// LAYER.weight scales it where the file has it.
  mlir::Value rmsNorm(mlir::Value input, const llvm::Twine &layer,
                      double epsilon);
  /// LAYER.fc1, the activation, LAYER.fc2.
  mlir::Value mlp(mlir::Value tokens, const llvm::Twine &layer,
                  TimmActivation activation = TimmActivation::Gelu);
  /// The mean of all tokens but the first `skip`, [B, C].
  mlir::Value meanTokens(mlir::Value tokens, const llvm::Twine &layer,
                         int64_t skip = 0);
  /// tokens + BLOCKls1.gamma * attend(BLOCKnorm1(tokens), BLOCKattn), and then
  /// the same with BLOCKmlp, norm2 and ls2. Scales are where the file has them.
  mlir::Value transformerBlock(
      mlir::Value tokens, const llvm::Twine &block, double epsilon,
      llvm::function_ref<mlir::Value(mlir::Value, const std::string &)> attend,
      TimmActivation activation = TimmActivation::Gelu);
  /// LAYER.q, LAYER.kv, LAYER.proj, LAYER.norm and LAYER.mlp of LAYER.latent,
  /// which attends to all tokens, [B, C].
  mlir::Value attentionPooling(mlir::Value tokens, const llvm::Twine &layer,
                               int64_t numHeads, double epsilon,
                               vit::GeluForm form);
  /// As global_pool says, [B, C]: "token" the first, "avg" the mean of those
  /// behind the first `numPrefixTokens`.
  mlir::Value poolTokens(mlir::Value tokens, llvm::StringRef pooling,
                         int64_t numPrefixTokens, const llvm::Twine &layer);
  /// Token `index`, [B, C].
  mlir::Value row(mlir::Value tokens, int64_t index, const llvm::Twine &layer);
  /// `head` of features, where the file has it.
  mlir::Value classify(mlir::Value features, const llvm::Twine &head);
  /// The same, or where the file has `distilled`, too, the mean of both.
  mlir::Value classifyDistilled(mlir::Value features, const llvm::Twine &head,
                                const llvm::Twine &distilled);
  /// A map's mean through HEAD.norm, HEAD.pre_logits with tanh and HEAD.fc, of
  /// which the file may lack the last two.
  mlir::Value normMlpHead(mlir::Value map, const llvm::Twine &head,
                          double epsilon);
  /// Tokens of a map of this size plus positions of the file, [1, h * w, C] or
  /// [1, h, w, C], that were learned for another; those of the first form for
  /// `learned` if they fit it, else for a square, else for this one. With
  /// `cropped`, they are resized for a square of the longer side.
  mlir::Value addPositions(mlir::Value tokens, const llvm::Twine &weight,
                           std::array<int64_t, 2> size, PositionResize form,
                           bool cropped = false,
                           std::array<int64_t, 2> learned = {0, 0});
  /// Positions [1, n, C] of one side, resized to `length` of which the first
  /// `count` stay, [count, C].
  mlir::Value linePositions(const llvm::Twine &weight, int64_t width,
                            int64_t length, int64_t count, PositionResize form);
  /// `count` tokens of the file, the same for each picture, before the others.
  mlir::Value prepend(mlir::Value tokens, const llvm::Twine &weight,
                      int64_t count = 1);

  //===--------------------------------------------------------------------===//
  // Layers of either
  //===--------------------------------------------------------------------===//

  mlir::Value activate(mlir::Value input, TimmActivation activation,
                       const llvm::Twine &layer);
  mlir::Value sigmoid(mlir::Value input, const llvm::Twine &layer);
  /// Of one shape.
  mlir::Value add(mlir::Value lhs, mlir::Value rhs, const llvm::Twine &layer);
  /// lhs - rhs, of one shape.
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs,
                       const llvm::Twine &layer);
  /// (lhs + rhs) / 2.
  mlir::Value average(mlir::Value lhs, mlir::Value rhs,
                      const llvm::Twine &layer);
  /// With numpy's broadcasting.
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs,
                       const llvm::Twine &layer);
  /// With numpy's broadcasting.
  mlir::Value addBroadcast(mlir::Value lhs, mlir::Value rhs,
                           const llvm::Twine &layer);
  /// numpy's product of matrices.
  mlir::Value matmul(mlir::Value lhs, mlir::Value rhs,
                     const llvm::Twine &layer);
  /// Along the last axis.
  mlir::Value softmax(mlir::Value scores, const llvm::Twine &layer);
  /// Scaled to a length of 1 along `dim`.
  mlir::Value l2Normalize(mlir::Value input, int64_t dim,
                          const llvm::Twine &layer);
  /// input + weight, which is the same for each picture and has the other
  /// axes' shape behind an axis of 1.
  mlir::Value addWeight(mlir::Value input, const llvm::Twine &weight);
  /// input times the weight's element for each channel, [C] or of a map
  /// [C, 1, 1] or [1, C, 1, 1]; the input itself where the file has no such
  /// weight.
  mlir::Value scale(mlir::Value input, const llvm::Twine &weight);

  //===--------------------------------------------------------------------===//
  // Attention
  //===--------------------------------------------------------------------===//

  /// The query, key and value of `rows` [B, N, 3 H D], which has them one
  /// behind the other, each [B, H, N, D]; nulls for null.
  std::array<mlir::Value, 3> splitQkv(mlir::Value rows, int64_t numHeads,
                                      const llvm::Twine &layer);
  /// The width of each of `numParts` parts along the last axis of [B, N, W],
  /// which needs to be a multiple; none for null.
  std::optional<int64_t> getPartWidth(mlir::Value rows, int64_t numParts,
                                      const llvm::Twine &layer);
  /// The parts [B, H, N, D], of these sizes along D, that `rows` [B, N, H *
  /// sum] has for one head behind those for another; nulls for null.
  llvm::SmallVector<mlir::Value, 3> splitByHead(mlir::Value rows,
                                                int64_t numHeads,
                                                llvm::ArrayRef<int64_t> sizes,
                                                const llvm::Twine &layer);
  /// [B, N, H * D] as [B, H, N, D].
  mlir::Value splitHeads(mlir::Value rows, int64_t numHeads,
                         const llvm::Twine &layer);
  /// Whether vit.attention takes these, none of which is null but the bias.
  bool checkAttention(mlir::Value query, mlir::Value key, mlir::Value value,
                      const llvm::Twine &layer, mlir::Value bias = {});
  /// [B, H, N, D] and a bias or null; [B, H, N, Dv].
  mlir::Value attendHeads(mlir::Value query, mlir::Value key, mlir::Value value,
                          const llvm::Twine &layer, mlir::Value bias = {});
  /// The same with the heads merged, [B, N, H * Dv].
  mlir::Value attend(mlir::Value query, mlir::Value key, mlir::Value value,
                     const llvm::Twine &layer, mlir::Value bias = {});
  /// The same where a score gains the query's products with a row of each of
  /// two weights, by the distances between places of grids, height and width;
  /// the first `numPrefix` tokens have no place.
  mlir::Value attendRelative(mlir::Value query, mlir::Value key,
                             mlir::Value value, const llvm::Twine &layer,
                             std::array<int64_t, 2> querySize,
                             std::array<int64_t, 2> keySize,
                             int64_t numPrefix = 0,
                             TimmRelative form = TimmRelative::FromKey);
  /// Attention between the channels of each head, which are what a token is
  /// there and tokens what channels are.
  mlir::Value attendChannels(mlir::Value query, mlir::Value key,
                             mlir::Value value, double scale,
                             const llvm::Twine &layer);
  /// LAYER.q of the queries, LAYER.kv of what they attend to, LAYER.proj.
  mlir::Value crossAttention(mlir::Value queries, mlir::Value others,
                             const llvm::Twine &layer, int64_t numHeads);
  /// The same with three projections, LAYER.q, LAYER.k and LAYER.v or others.
  mlir::Value attendTo(mlir::Value queries, mlir::Value others,
                       const llvm::Twine &layer, int64_t numHeads,
                       std::array<llvm::StringRef, 3> projections = {"q", "k",
                                                                     "v"});
  /// query · key^T / sqrt(D), [B, H, Nq, Nk].
  mlir::Value scores(mlir::Value query, mlir::Value key,
                     const llvm::Twine &layer);
  /// [B, H, N, D] as [B, N, H * D].
  mlir::Value mergeHeads(mlir::Value heads, const llvm::Twine &layer);
  /// LAYER, a linear layer whose channels are the heads of scores.
  /// Source: Shazeer et al. 2020 (talking heads), section 3.
  mlir::Value mixHeads(mlir::Value scores, const llvm::Twine &layer);
  /// Attention between the channels of each head, whose rows of the tokens have
  /// a length of 1: LAYER.qkv, LAYER.temperature [H, 1, 1], LAYER.proj.
  /// Source: El-Nouby et al. 2021 (XCiT), eq. (3).
  mlir::Value crossCovariance(mlir::Value tokens, const llvm::Twine &layer);
  /// softmax(scores) [B, H, Nq, Nk] times values [B, H, Nk, D].
  mlir::Value weightedMean(mlir::Value scores, mlir::Value values,
                           const llvm::Twine &layer);
  /// LAYER.qkv and LAYER.proj of tokens.
  mlir::Value selfAttention(mlir::Value tokens, const llvm::Twine &layer,
                            int64_t numHeads, mlir::Value bias = {});
  /// Angles of a grid's rows and columns for heads of this width, with a base
  /// of 10000; none where their width has no half for each.
  std::optional<RotaryTables> axialRotary(const llvm::Twine &layer,
                                          std::array<int64_t, 2> size,
                                          int64_t width, int64_t numHeads);
  /// selfAttention whose queries and keys are turned by their places.
  mlir::Value rotarySelfAttention(mlir::Value tokens, const llvm::Twine &layer,
                                  int64_t numHeads, const RotaryTables &tables);
  /// Whether a bias for each pair of these places is of a size that any model
  /// has.
  bool checkBiasSize(const llvm::Twine &layer, int64_t height, int64_t width);
  /// The bias [1, H, Nq, Nk] between the places of a grid, by their distances
  /// along both sides, whatever their signs: a weight [H, height * width].
  /// Queries are each `stride`-th place of each `stride`-th row.
  mlir::Value distanceBias(const llvm::Twine &weight, int64_t height,
                           int64_t width, int64_t stride = 1);
  /// The bias [1, H, N, N] between the places of a grid, by the differences
  /// along both sides: a weight [(2 height - 1) (2 width - 1), H], as Swin has
  /// it, or [H, 2 height - 1, 2 width - 1], which begins with the last. A class
  /// token before them needs three rows more, as BEiT has it.
  mlir::Value tableBias(const llvm::Twine &weight, int64_t height,
                        int64_t width, bool classToken = false);
  /// The same by a network LAYER.fc1, ReLU, LAYER.fc2 of the differences'
  /// logarithms.
  mlir::Value logDistanceBias(const llvm::Twine &layer, int64_t height,
                              int64_t width);
  /// The tokens [B * windows, N, C] of a map [B, C, H, W] in windows of a size
  /// that divides its sides, and back. With `grid` a window's tokens are as far
  /// apart as the map allows rather than neighbours.
  /// Source: Tu et al. 2022 (MaxViT), section 3.2.
  mlir::Value partition(mlir::Value map, std::array<int64_t, 2> window,
                        bool grid, const llvm::Twine &layer);
  mlir::Value unpartition(mlir::Value windows, std::array<int64_t, 2> window,
                          std::array<int64_t, 2> size, bool grid,
                          const llvm::Twine &layer);

  /// `attend` of the tokens [B * windows, side * side, C] in the windows of a
  /// map, with zeros below and to the right where it has no multiple of their
  /// side.
  mlir::Value inWindows(mlir::Value map, int64_t side, const llvm::Twine &layer,
                        llvm::function_ref<mlir::Value(mlir::Value)> attend);

  /// The tokens [B * windows, side * side, C] of the windows of a map at each
  /// `steps.stride`-th place, zeros around it, which may overlap.
  mlir::Value slidingWindows(mlir::Value map, int64_t side,
                             const TimmSteps &steps, const llvm::Twine &layer);
  /// The tokens [B, height * width, C] of a map whose places have the sums of
  /// such windows' tokens.
  mlir::Value sumWindows(mlir::Value windows, int64_t side,
                         const TimmSteps &steps, std::array<int64_t, 2> size,
                         const llvm::Twine &layer);

  //===--------------------------------------------------------------------===//
  // Movement
  //===--------------------------------------------------------------------===//

  mlir::Value toTokens(mlir::Value map, const llvm::Twine &layer);
  mlir::Value toMap(mlir::Value tokens, int64_t height, int64_t width,
                    const llvm::Twine &layer);
  /// `inner` behind a first axis that takes the rest.
  mlir::Value reshape(mlir::Value input, llvm::ArrayRef<int64_t> inner,
                      const llvm::Twine &layer);
  mlir::Value transpose(mlir::Value input, llvm::ArrayRef<int64_t> permutation,
                        const llvm::Twine &layer);
  mlir::Value slice(mlir::Value input, int64_t dim, int64_t begin, int64_t size,
                    const llvm::Twine &layer);
  /// Each `stride`-th element along dim.
  mlir::Value stride(mlir::Value input, int64_t dim, int64_t stride,
                     const llvm::Twine &layer);
  mlir::Value concat(mlir::ValueRange inputs, int64_t dim,
                     const llvm::Twine &layer);
  /// Zeros below and to the right of a map.
  mlir::Value padMap(mlir::Value map, int64_t height, int64_t width,
                     const llvm::Twine &layer);

  /// Zeros above and to the left of a map.
  mlir::Value padBefore(mlir::Value map, int64_t rows, int64_t columns,
                        const llvm::Twine &layer);

  /// The size of an axis, 1 of null.
  static int64_t getSize(mlir::Value value, int64_t dim);
  static int64_t getHeight(mlir::Value map) { return getSize(map, 2); }
  static int64_t getWidth(mlir::Value map) { return getSize(map, 3); }

  LayerBuilder &layers;
  /// numpy's operations; knows the shapes of what these layers give.
  onnx::TensorBuilder b;
  /// model_args.
  Config &arguments;

private:
  /// Ops from here on are of this layer.
  void startLayer(const llvm::Twine &layer) { b.setLoc(layers.getLoc(layer)); }
  /// Whether numpy broadcasts the two.
  bool checkBroadcast(mlir::Value lhs, mlir::Value rhs,
                      const llvm::Twine &layer);
  /// Whether a table for each pair of `rows` and `columns` is of a size that
  /// any model has.
  bool checkTableSize(const llvm::Twine &layer, int64_t rows, int64_t columns);
  /// Whether this layer, or one whose name differs in its numbers alone, has a
  /// bias.
  bool hasBias(llvm::StringRef layer) const;
  /// The products of queries [B, H, height * width, D] with the rows of a
  /// weight for each of the keys along one side, [B, H, height * width, keys].
  mlir::Value relativeProduct(mlir::Value query, const llvm::Twine &weight,
                              std::array<int64_t, 2> size, size_t side,
                              int64_t numKeys, TimmRelative form);
  /// Notes that `result` has the first axis of `source`.
  mlir::Value keepBatch(mlir::Value result, mlir::Value source);
  /// What a window of `kernel` adds around a map, [top, left, bottom, right];
  /// none where it is larger than the result.
  std::optional<std::array<int64_t, 4>> getPad(mlir::Value map,
                                               const llvm::Twine &layer,
                                               std::array<int64_t, 2> kernel,
                                               const TimmSteps &steps);

  Checkpoint &checkpoint;
  Config &config;
  std::string because;
  /// The names of all biases without their numbers.
  llvm::StringSet<> biases;
  bool hasFailed = false;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_TIMMLAYERS_H
