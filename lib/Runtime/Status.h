//===- Status.h - Errors inside the runtime ---------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inside the runtime a failure is an exception, Failure; at the C ABI `guard`
// turns every exception into a status and one line of text. Nothing is thrown
// through generated code: its callbacks keep the first failure in the session.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_STATUS_H
#define VITC_LIB_RUNTIME_STATUS_H

#include "vitc/Runtime/vitc.h"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace vitc::rt {

class Failure : public std::runtime_error {
public:
  Failure(vitc_status_t status, const std::string &message)
      : std::runtime_error(message), status(status) {}
  template <typename... Args>
  Failure(vitc_status_t status, fmt::format_string<Args...> format,
          Args &&...args)
      : Failure(status, fmt::format(format, std::forward<Args>(args)...)) {}

  vitc_status_t getStatus() const { return status; }

private:
  vitc_status_t status;
};

/// Fills `error`, if there is one, with one printable line and returns
/// `status`. A message that does not fit is cut between UTF-8 characters.
vitc_status_t reportError(vitc_error_t *error, vitc_status_t status,
                          std::string_view message) noexcept;

/// `c`, or a space for a control character: a file name may hold a line break,
/// and a message stays one line.
inline char toPrintable(char c) {
  return static_cast<uint8_t>(c) < ' ' ? ' ' : c;
}

/// Runs `body` and returns VITC_OK, or what `report` makes of the status and
/// the message of what it threw.
template <typename Body, typename Report>
vitc_status_t guardWith(Report &&report, Body &&body) noexcept {
  try {
    body();
    return VITC_OK;
  } catch (const Failure &failure) {
    return report(failure.getStatus(), failure.what());
  } catch (const std::bad_alloc &) {
    return report(VITC_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &exception) {
    return report(VITC_INTERNAL, exception.what());
  } catch (...) {
    return report(VITC_INTERNAL, "exception of unknown type");
  }
}

/// Runs `body` and returns VITC_OK, or the status of what it threw.
template <typename Body>
vitc_status_t guard(vitc_error_t *error, Body &&body) noexcept {
  return guardWith(
      [&](vitc_status_t status, const char *message) {
        return reportError(error, status, message);
      },
      body);
}

/// Throws Failure(VITC_INVALID_ARGUMENT) when a required pointer is null.
void requireNonNull(const void *pointer, const char *what);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_STATUS_H
