//===- Descriptor.h - What generated code and the runtime share -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The binary interface between a compiled model and the runtime linked with
// it. lib/Target writes these structures as constants into the object file;
// lib/Runtime reads them. A change of any layout here raises
// kDescriptorVersion. Generated code has no undefined symbols: it reaches the
// runtime through the function pointers of vitc::rt::Context.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_RUNTIME_DESCRIPTOR_H
#define VITC_RUNTIME_DESCRIPTOR_H

#include <cstdint>

namespace vitc::rt {

inline constexpr uint32_t kDescriptorVersion = 7;
/// Bytes; alignment of the weights, the arena, and every buffer in them.
inline constexpr int64_t kBufferAlignment = 64;

struct Context;

/// Runs tasks [begin, end) of one kernel. `scratch` is private to the calling
/// thread, kBufferAlignment-aligned, EntryDescriptor::scratchBytes long.
using TaskFn = void (*)(const void *args, int64_t begin, int64_t end,
                        void *scratch);

/// Runs fn over `tasks` tasks, split into one contiguous range a thread, and
/// returns when all are done. `site` indexes EntryDescriptor::sites.
using ParallelFn = void (*)(Context *context, int32_t site, TaskFn fn,
                            const void *args, int64_t tasks);

/// One f32 product through oneDNN, C = activation(A · W + bias) + residual:
/// rows of A, C and residual are `count` runs of `rows` rows; row i of run b
/// starts at base + b * batchStride + i * rowStride (strides in elements).
/// Weights are packed [N/64][K][64], the tail panel N mod 64 rounded up to 16
/// wide, K padded to 16 (a padded row is zero).
struct OneDnnGemm {
  const float *lhs;
  const float *weights;
  const float *bias;     // N values or null
  const float *residual; // or null
  float *result;
  int64_t count, rows, n, k;
  int64_t lhsBatchStride, lhsRowStride;
  int64_t residualBatchStride, residualRowStride;
  int64_t resultBatchStride, resultRowStride;
  int32_t activation; // vitc::rt::Activation
};
using OneDnnGemmFn = void (*)(Context *context, int32_t site,
                              const OneDnnGemm *gemm);

/// Starts `blocks` blocks of kernel number `kernel` of the entry's DeviceImage,
/// behind all that was started before. arguments[i] points to the value of
/// parameter i, as cuLaunchKernel takes them.
using LaunchFn = void (*)(Context *context, int32_t site, int32_t kernel,
                          int64_t blocks, const void *const *arguments);

/// Copies `bytes` from the device to `host` when all that was started before is
/// done: what a loop of the entry decides on. Returns 1, or 0 where it could
/// not: then the entry ends.
using ReadFn = int32_t (*)(Context *context, void *host, const void *device,
                           int64_t bytes);

enum class Activation : int32_t {
  None = 0,
  Gelu = 1,
  GeluTanh = 2,
  GeluQuick = 3,
  Relu = 4,
  Silu = 5,
  Sigmoid = 6
};

/// What an entry function receives. The session owns it; generated code reads
/// the first part by field index, see KernelToLLVM. Where kernels run on a GPU
/// weights, arena, inputs and outputs are addresses of its memory.
struct Context {
  const uint8_t *weights;
  uint8_t *arena;
  int64_t batch;
  const void *const *inputs;
  void *const *outputs;
  ParallelFn parallel;
  OneDnnGemmFn oneDnnGemm; // null unless the model needs oneDNN
  int64_t threads;         // that `parallel` shares tasks among, 1 or more
  LaunchFn launch;         // null unless kernels run on a GPU, as is `read`
  ReadFn read;
  // The runtime's own part starts here; generated code does not touch it.
  void *session;
};

using EntryFn = void (*)(Context *context);

/// A dimension of -1 is the batch. Where `countOutput` is not -1, a run fills
/// as many positions of dimension `countedDim` as that output, one i64, says.
struct TensorDescriptor {
  const char *name;
  const int64_t *dims;
  int32_t rank;
  int32_t dtype; // vitc_dtype_t
  int32_t countedDim = 0;
  int32_t countOutput = -1;
};

/// One kernel launch, for profiles. flops and bytes are base + perBatch *
/// batch.
struct SiteDescriptor {
  const char *source; // the source's layer name, e.g. vit.encoder.layer.3
  const char *kernel; // the kernel's symbol
  int64_t flopsBase, flopsPerBatch;
  int64_t bytesBase, bytesPerBatch;
};

/// A kernel of one-dimensional blocks.
struct DeviceKernelDescriptor {
  const char *name;
  int32_t threads;     // of a block
  int32_t sharedBytes; // dynamic shared memory of a block
};

/// The kernels of all entries for one architecture of GPUs.
struct DeviceImage {
  const char *architecture; // "sm_80": runs on every later one too; "sm_90a":
                            // on that alone
  const char *ptx;          // zero-terminated
  int64_t ptxBytes;         // with the zero
  const uint8_t *cubin;     // null: ptxas was not there
  int64_t cubinBytes;
  const DeviceKernelDescriptor *kernels;
  int32_t numKernels;
};

/// The code of one entry for one ISA level or one architecture of GPUs.
struct CodeDescriptor {
  const char *isa; // "x86-64-v4", "sm_80", ...
  EntryFn function;
  int64_t scratchBytes; // per thread
  const SiteDescriptor *sites;
  int32_t numSites;
  int32_t usesOneDnn;      // 0 or 1
  int32_t readsDevice = 0; // 1: what it launches depends on what it reads back
  const DeviceImage *image = nullptr; // null: `function` computes itself
};

/// One way into the model. A model has "forward" or, if it generates tokens,
/// "step" and maybe "encode", see GenerationDescriptor. "attention" has the
/// inputs and outputs of "forward", or else of "step", and more, the last: the
/// input i64 [layers, 2], of
/// vitc_selection_t; for each layer its map, f32 [-1, windows, heads, queries,
/// keys], the space for all queries; the projections of keys, f32
/// [keys, tokens]. "text" embeds texts for a model whose "forward" embeds
/// pictures.
struct EntryDescriptor {
  const char *name;
  const TensorDescriptor *inputs;
  const TensorDescriptor *outputs;
  int32_t numInputs;
  int32_t numOutputs;
  int64_t arenaBase, arenaPerBatch; // bytes: base + perBatch * batch
  const CodeDescriptor *codes;      // best level first
  int32_t numCodes;
  int32_t independentItems; // 1: no item of a batch depends on another
};

enum class Interpolation : int32_t { // PIL's numbers
  Nearest = 0,
  Lanczos = 1,
  Bilinear = 2,
  Bicubic = 3,
  Box = 4,
  Hamming = 5
};

enum class Padding : int32_t { // as #vit.preprocess says
  None = 0,
  Zero = 1,
  Mirror = 2,
  Center = 3
};

/// How a picture becomes the input: resize, centre crop, rescale, normalise,
/// pad.
struct PreprocessDescriptor {
  int32_t inputIndex; // the image input, -1: the model takes no picture
  int32_t maskIndex;  // the input that is 1 where the picture is, or -1
  int32_t noiseIndex; // the input of uniform numbers from 0 to 1, or -1
  int32_t channels;   // 1 to 4: grey, grey and alpha, colour, colour and alpha
  int32_t bgr;        // blue comes first
  int32_t height, width;
  int32_t doResize;
  int32_t resizeHeight, resizeWidth; // resizeWidth 0: the shorter edge becomes
                                     // resizeHeight, the aspect ratio is kept
  int32_t resizeInside;              // within both, the aspect ratio is kept
  int32_t interpolation;             // Interpolation
  int32_t antialias;
  int32_t doCenterCrop; // to cropHeight x cropWidth
  int32_t cropHeight, cropWidth;
  int32_t padding; // Padding, to height x width
  int32_t doRescale;
  int32_t doNormalize;
  double rescaleFactor; // double, as the source multiplies
  float mean[4], std[4];
};

/// How text becomes inputs.
struct TextDescriptor {
  const uint8_t *tokenizer; // a table of lib/Runtime/Text; null: the model
                            // takes no text
  int64_t tokenizerBytes;
  int32_t maxLength; // tokens of an item
  /// Indices of inputs [batch, maxLength] of integers, of the entry "text" if
  /// there is one, else of "forward" or "encode"; -1: there is none.
  int32_t ids, mask, types;
  int32_t isPrompt; // 1: text is what generation goes on from
};

/// Where tokens lie in the picture: `prefix` of them, then height x width
/// patches, row-major, that tile the model's input image. A height of 0: they
/// are not of the picture.
struct TokenGrid {
  int32_t prefix, height, width;
  int32_t classToken; // 1: token 0 is a class token
};

/// An attention layer whose map can be asked for.
struct AttentionLayerDescriptor {
  const char *name; // the source's
  int32_t number;   // among all attention layers, compiled in or not
  int32_t windows, heads, queries, keys;
  /// Which of the projections the keys come from, -1: none. `tokens` are what
  /// it projects; else as many as keys.
  int32_t projection, tokens;
  /// In windows, the whole map's.
  TokenGrid queryGrid, keyGrid;
  /// Each item is a window of [0] x [1] tokens, row-major, of the grid padded
  /// to `size` and rolled back by `shift`; a window of 0 x 0: none.
  int32_t window[2], size[2], shift[2];
};

struct AttentionDescriptor {
  const AttentionLayerDescriptor *layers;
  int32_t numLayers; // 0: the model has no maps
  int32_t numProjections;
};

/// How the embeddings of a picture, output 0 of "forward", and of a text,
/// output 0 of "text", each of length 1, make a score: scale * product + bias.
struct RankingDescriptor {
  double scale; // 0: the model has no such entries
  double bias;
};

/// What one run of "step" leaves for the next.
struct StateDescriptor {
  int32_t input;   // of "step"
  int32_t output;  // of "step"; -1: the input is updated where it lies
  int32_t initial; // the output of "encode" that it begins as; -1: zeros
};

/// An input of every run of "step": an output of "encode", or an input of it.
struct MemoryDescriptor {
  int32_t input;
  int32_t output, source; // of "encode", the other is -1
};

struct TokenList {
  const int64_t *tokens;
  int32_t count;
};

/// The most rows that a search keeps for an item.
inline constexpr int64_t kMaxBeams = 1024;

enum class EarlyStopping : int32_t { Off = 0, On = 1, Never = 2 };

/// How "step" generates tokens, as #vit.generation says.
struct GenerationDescriptor {
  const StateDescriptor *states;
  const MemoryDescriptor *memories;
  int32_t numStates, numMemories;
  int32_t token, position; // inputs of "step"; position -1: there is none
  int32_t scores;          // output of "step"
  /// The output of "step" that says how much each key of the source counts, [B,
  /// ..., keys], -1: the entry "attention" tells, if there is one; and where
  /// its keys lie in the picture.
  int32_t attention;
  TokenGrid attentionGrid;
  int32_t promptReplacesStart;
  TokenList start, end, suppressed, beginSuppressed;
  int64_t pad, minLength;
  int64_t maxLength;               // 0: the model generates nothing
  int64_t forcedFirst, forcedLast; // -1: none
  int64_t noRepeatNgram;           // 0: none
  int32_t beams;
  int32_t earlyStopping; // EarlyStopping
  int32_t renormalize;
  double lengthPenalty, repetitionPenalty;
  const uint8_t *tokenizer; // null: tokens stay numbers
  int64_t tokenizerBytes;
};

/// What the outputs mean, as #vit.model says.
enum class Task : int32_t {
  Tensor = 0,
  Classification = 1,
  Embedding = 2,
  Segmentation = 3,
  Detection = 4,
  Picture = 5,
  Ranking = 6,
  FillMask = 7,
  Generation = 8
};

} // namespace vitc::rt

/// The one symbol that a model exports.
struct vitc_model_descriptor {
  uint32_t version;
  int32_t task;    // vitc::rt::Task
  int32_t sigmoid; // 1: probabilities are sigmoids, not a softmax
  const uint8_t *weights;
  int64_t weightBytes; // bytes, in the read-only section
  const vitc::rt::EntryDescriptor *entries;
  int32_t numEntries;
  int32_t numLabels;
  const char *const *labels;
  vitc::rt::PreprocessDescriptor preprocess;
  vitc::rt::AttentionDescriptor attention;
  vitc::rt::TextDescriptor text;
  vitc::rt::RankingDescriptor ranking;
  vitc::rt::GenerationDescriptor generation;
  int64_t codeBytes;         // bytes of machine code, all levels
  int64_t parameters;        // number of parameters in the source
  const char *modelName;     // e.g. "ViTForImageClassification"
  const char *sourceHash;    // hex BLAKE3 of the weights file
  const char *licence;       // of the source model, "" when unknown
  const char *precision;     // "f32"
  const char *target;        // "x86_64-linux-gnu"
  const char *backend;       // "llvm" or "onednn"
  const char *oneDnnLibrary; // path where vitc found oneDNN, "" unless used
  const char *compilerVersion;
};

#endif // VITC_RUNTIME_DESCRIPTOR_H
