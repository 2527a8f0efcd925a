//===- Command.cpp - Other programs that vitc runs ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Command.h"

#include "vitc/Target/TemporaryFile.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace vitc;

static Error run(ArrayRef<std::string> command, CommandResult &result) {
  auto output = TemporaryFile::create(".txt");
  if (!output)
    return output.takeError();
  auto notes = TemporaryFile::create(".txt");
  if (!notes)
    return notes.takeError();
  SmallVector<StringRef> arguments(command.begin(), command.end());
  std::optional<StringRef> redirects[] = {
      std::nullopt, StringRef(output->getPath()), StringRef(notes->getPath())};
  result.status = sys::ExecuteAndWait(command.front(), arguments, std::nullopt,
                                      redirects, 0, 0, &result.error);
  for (auto [file, text] :
       {std::pair(&*output, &result.output), {&*notes, &result.notes}}) {
    auto bytes = file->read();
    if (!bytes)
      return bytes.takeError();
    *text = std::move(*bytes);
  }
  return Error::success();
}

CommandResult vitc::runCommand(ArrayRef<std::string> command,
                               CommandMode mode) {
  if (mode.verbose || mode.dryRun) {
    std::string line; // at once, as others may run beside it
    for (const std::string &word : command)
      line += "\"" + word + "\" ";
    errs() << line + "\n";
  }
  CommandResult result;
  if (mode.dryRun)
    return result;
  if (Error error = run(command, result)) {
    result.status = -1;
    result.error = toString(std::move(error));
  }
  return result;
}
