//===- Journal.h - Results of a run that may be cut short ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_JOURNAL_H
#define VITC_LIB_RUNTIME_PROGRAM_JOURNAL_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace vitc::rt {

/// A file of named records that only grows. Each is written whole before the
/// next; of one that a crash cut short nothing is read again. The file begins
/// with a line that says what the records are of; one process has it at a time.
class Journal {
public:
  /// Continues the file `path` or begins it. Throws Failure where it is of
  /// something else than `identity`, a line, or cannot be written.
  Journal(const std::string &path, const std::string &identity);
  ~Journal();
  Journal(const Journal &) = delete;
  Journal &operator=(const Journal &) = delete;

  size_t getNumRecords() const { return records.size(); }
  bool contains(const std::string &name) const { return records.count(name); }
  void append(const std::string &name, std::string_view contents);
  /// The contents of a record that is there.
  std::string read(const std::string &name) const;
  /// Deletes the file.
  void remove();

private:
  struct Record {
    int64_t offset, bytes; // of the contents
  };

  void begin(const std::string &identity);
  void readRecords(int64_t fileBytes);
  bool readAt(int64_t offset, void *bytes, size_t count) const;
  void write(std::string_view bytes);

  std::string path;
  int descriptor;
  int64_t end = 0; // of the last whole record
  std::map<std::string, Record> records;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_JOURNAL_H
