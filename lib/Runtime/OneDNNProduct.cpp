//===- OneDNNProduct.cpp - One oneDNN matmul primitive --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OneDNNProduct.h"

#include "Status.h"

#include <array>
#include <string_view>

using namespace vitc::rt;

namespace {
using MemoryDesc = OneDnnHandle<dnnl_memory_desc_t>;

/// The memory descriptors of a shape's operands.
struct OperandDescs {
  OperandDescs(const OneDnnLibrary &library, const OneDnnShape &shape);

  MemoryDesc lhs, weights, bias, result;
};
} // namespace

static MemoryDesc describe(const OneDnnLibrary &library, int64_t rows,
                           int64_t columns, dnnl_format_tag_t tag) {
  dnnl_dims_t dims = {rows, columns};
  dnnl_memory_desc_t desc = nullptr;
  library.check(
      library.dnnl_memory_desc_create_with_tag(&desc, 2, dims, dnnl_f32, tag),
      "dnnl_memory_desc_create_with_tag");
  return MemoryDesc(desc, library.dnnl_memory_desc_destroy);
}

/// Panels one after the other, each [K/16][16][panelWidth]: [K][panelWidth].
static dnnl_format_tag_t packedTag(int64_t panelWidth) {
  static constexpr dnnl_format_tag_t kTags[] = {dnnl_BA16a16b, dnnl_BA16a32b,
                                                dnnl_BA16a48b, dnnl_BA16a64b};
  return kTags[panelWidth / 16 - 1];
}

OperandDescs::OperandDescs(const OneDnnLibrary &library,
                           const OneDnnShape &shape)
    : lhs(describe(library, shape.rows, shape.k, dnnl_ab)),
      weights(describe(library, shape.k, shape.columns,
                       packedTag(shape.panelWidth))),
      bias(describe(library, 1, shape.columns, dnnl_ab)),
      result(describe(library, shape.rows, shape.columns, dnnl_ab)) {}

static OneDnnHandle<dnnl_primitive_attr_t>
createAttr(const OneDnnLibrary &library, const OneDnnShape &shape) {
  dnnl_post_ops_t rawPostOps = nullptr;
  library.check(library.dnnl_post_ops_create(&rawPostOps),
                "dnnl_post_ops_create");
  OneDnnHandle<dnnl_post_ops_t> postOps(rawPostOps,
                                        library.dnnl_post_ops_destroy);
  auto append = [&](dnnl_alg_kind_t kind, float alpha) {
    library.check(library.dnnl_post_ops_append_eltwise(postOps.get(), kind,
                                                       alpha, /*beta=*/0.0f),
                  "dnnl_post_ops_append_eltwise");
  };
  switch (shape.activation) {
  case Activation::None:
    break;
  case Activation::Gelu:
    append(dnnl_eltwise_gelu_erf, /*alpha=*/0.0f);
    break;
  case Activation::GeluTanh:
    append(dnnl_eltwise_gelu_tanh, /*alpha=*/0.0f);
    break;
  case Activation::GeluQuick:
    append(dnnl_eltwise_swish, /*alpha=*/1.702f);
    break;
  case Activation::Relu:
    append(dnnl_eltwise_relu, /*alpha=*/0.0f);
    break;
  case Activation::Silu:
    append(dnnl_eltwise_swish, /*alpha=*/1.0f);
    break;
  case Activation::Sigmoid:
    append(dnnl_eltwise_logistic, /*alpha=*/0.0f);
    break;
  }

  dnnl_primitive_attr_t rawAttr = nullptr;
  library.check(library.dnnl_primitive_attr_create(&rawAttr),
                "dnnl_primitive_attr_create");
  OneDnnHandle<dnnl_primitive_attr_t> attr(rawAttr,
                                           library.dnnl_primitive_attr_destroy);
  library.check(
      library.dnnl_primitive_attr_set_post_ops(attr.get(), postOps.get()),
      "dnnl_primitive_attr_set_post_ops");
  library.check(library.dnnl_primitive_attr_set_scratchpad_mode(
                    attr.get(), dnnl_scratchpad_mode_user),
                "dnnl_primitive_attr_set_scratchpad_mode");
  return attr;
}

OneDnnProduct::PrimitiveDesc
OneDnnProduct::createDesc(dnnl_engine_t engine,
                          const OneDnnShape &shape) const {
  OperandDescs descs(library, shape);
  OneDnnHandle<dnnl_primitive_attr_t> attr = createAttr(library, shape);
  dnnl_primitive_desc_t rawDesc = nullptr;
  library.check(library.dnnl_matmul_primitive_desc_create(
                    &rawDesc, engine, descs.lhs.get(), descs.weights.get(),
                    shape.hasBias ? descs.bias.get() : nullptr,
                    descs.result.get(), attr.get()),
                "dnnl_matmul_primitive_desc_create");
  PrimitiveDesc desc(rawDesc, library.dnnl_primitive_desc_destroy);

  const char *implementation = "";
  library.check(library.dnnl_primitive_desc_query(
                    desc.get(), dnnl_query_impl_info_str, 0, &implementation),
                "dnnl_primitive_desc_query");
  // The reference code is a hundred times slower than the vector code.
  if (std::string_view(implementation).substr(0, 3) == "ref")
    throw Failure(
        VITC_UNSUPPORTED,
        "oneDNN library '{}' has only '{}' code for a product of {} x "
        "{} x {} on this machine; needs vector code",
        library.path, implementation, shape.rows, shape.columns, shape.k);
  return desc;
}

void OneDnnProduct::addArgument(dnnl_engine_t engine,
                                const_dnnl_memory_desc_t desc, int32_t index) {
  arguments.push_back(index);
  for (int32_t thread = 0; thread < numThreads; ++thread) {
    dnnl_memory_t memory = nullptr;
    library.check(
        library.dnnl_memory_create(&memory, desc, engine, DNNL_MEMORY_NONE),
        "dnnl_memory_create");
    memories.emplace_back(memory, library.dnnl_memory_destroy);
  }
}

OneDnnProduct::OneDnnProduct(const OneDnnLibrary &library, dnnl_engine_t engine,
                             const OneDnnShape &shape, int32_t numThreads)
    : library(library), primitive(nullptr, library.dnnl_primitive_destroy),
      numThreads(numThreads) {
  PrimitiveDesc desc = createDesc(engine, shape);
  dnnl_primitive_t rawPrimitive = nullptr;
  library.check(library.dnnl_primitive_create(&rawPrimitive, desc.get()),
                "dnnl_primitive_create");
  primitive.reset(rawPrimitive);

  OperandDescs descs(library, shape);
  addArgument(engine, descs.lhs.get(), DNNL_ARG_SRC);
  addArgument(engine, descs.weights.get(), DNNL_ARG_WEIGHTS);
  addArgument(engine, descs.result.get(), DNNL_ARG_DST);
  if (shape.hasBias)
    addArgument(engine, descs.bias.get(), DNNL_ARG_BIAS);
  const_dnnl_memory_desc_t scratch = library.dnnl_primitive_desc_query_md(
      desc.get(), dnnl_query_scratchpad_md, 0);
  scratchBytes =
      scratch ? int64_t(library.dnnl_memory_desc_get_size(scratch)) : 0;
  if (scratchBytes > 0)
    addArgument(engine, scratch, DNNL_ARG_SCRATCHPAD);
}

/// The address to which oneDNN's argument `index` points in this call. oneDNN
/// takes addresses of inputs as non-const and does not write to them.
void *OneDnnProduct::addressOf(int32_t index, const OneDnnOperands &operands,
                               void *scratch) const {
  switch (index) {
  case DNNL_ARG_SRC:
    return const_cast<float *>(operands.lhs);
  case DNNL_ARG_WEIGHTS:
    return const_cast<float *>(operands.weights);
  case DNNL_ARG_BIAS:
    return const_cast<float *>(operands.bias);
  case DNNL_ARG_DST:
    return operands.result;
  default:
    return scratch;
  }
}

dnnl_status_t OneDnnProduct::execute(int32_t thread, dnnl_stream_t stream,
                                     const OneDnnOperands &operands,
                                     void *scratch) const {
  std::array<dnnl_exec_arg_t, kMaxArguments> list;
  for (size_t i = 0; i < arguments.size(); ++i) {
    dnnl_memory_t memory = memories[i * numThreads + thread].get();
    dnnl_status_t status = library.dnnl_memory_set_data_handle(
        memory, addressOf(arguments[i], operands, scratch));
    if (status != dnnl_success)
      return status;
    list[i] = {arguments[i], memory};
  }
  return library.dnnl_primitive_execute(
      primitive.get(), stream, static_cast<int>(arguments.size()), list.data());
}
