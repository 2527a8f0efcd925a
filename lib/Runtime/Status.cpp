//===- Status.cpp - Errors inside the runtime -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Status.h"

#include <algorithm>

using namespace vitc::rt;

vitc_status_t vitc::rt::reportError(vitc_error_t *error, vitc_status_t status,
                                    std::string_view message) noexcept {
  if (!error)
    return status;
  error->status = status;
  size_t length = std::min<size_t>(message.size(), VITC_MESSAGE_SIZE - 1);
  if (length < message.size())
    while (length > 0 && (static_cast<uint8_t>(message[length]) & 0xC0) == 0x80)
      --length;
  std::transform(message.begin(), message.begin() + length, error->message,
                 toPrintable);
  error->message[length] = '\0';
  return status;
}

void vitc::rt::requireNonNull(const void *pointer, const char *what) {
  if (!pointer)
    throw Failure(VITC_INVALID_ARGUMENT, "{} is NULL; needs a value", what);
}
