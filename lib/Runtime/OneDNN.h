//===- OneDNN.h - f32 products through oneDNN ----------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models compiled with --backend=onednn hand their products to oneDNN 3.2 or
// newer, which is loaded when the model is, never linked. Each product is cut
// into slices of a size that only its shape decides, one oneDNN call each on a
// thread of our pool, so that the result has the same bits at any thread count.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_ONEDNN_H
#define VITC_LIB_RUNTIME_ONEDNN_H

#include "ThreadPool.h"

#include "vitc/Runtime/Descriptor.h"

#include <memory>

namespace vitc::rt {

/// The functions of a loaded libdnnl.
struct OneDnnLibrary;

/// Loads oneDNN: from $VITC_ONEDNN_LIBRARY when it is set, or else by its
/// soname, or else from `compiledLibrary`, where vitc found it. Throws
/// Failure(VITC_UNSUPPORTED) when there is none or it is too old.
std::shared_ptr<const OneDnnLibrary> loadOneDnn(const char *compiledLibrary);

/// The oneDNN primitives of a session, made when a shape is first seen.
class OneDnnGemms {
public:
  OneDnnGemms(std::shared_ptr<const OneDnnLibrary> library, ThreadPool &pool);
  ~OneDnnGemms();

  /// Computes `gemm` on the pool, of which the caller holds a lease. Throws
  /// Failure.
  void run(const OneDnnGemm &gemm);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_ONEDNN_H
