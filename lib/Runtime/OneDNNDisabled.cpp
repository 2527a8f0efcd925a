//===- OneDNNDisabled.cpp - A runtime built without oneDNN ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OneDNN.h"

#include "Status.h"

using namespace vitc::rt;

struct OneDnnGemms::State {};

static Failure builtWithoutOneDnn() {
  return Failure(VITC_UNSUPPORTED,
                 "the model needs oneDNN and its runtime was built without it; "
                 "needs a vitc built with VITC_ENABLE_ONEDNN");
}

std::shared_ptr<const OneDnnLibrary> vitc::rt::loadOneDnn(const char *) {
  throw builtWithoutOneDnn();
}

OneDnnGemms::OneDnnGemms(std::shared_ptr<const OneDnnLibrary>, ThreadPool &) {
  throw builtWithoutOneDnn();
}

OneDnnGemms::~OneDnnGemms() = default;

void OneDnnGemms::run(const OneDnnGemm &) { throw builtWithoutOneDnn(); }
