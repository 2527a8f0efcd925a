//===- Journal.cpp - Results of a run that may be cut short ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A record is the bytes of its name, of its contents, both uint64 and
// little-endian on all machines that vitc has, the name and the contents.
//
//===----------------------------------------------------------------------===//

#include "Program/Journal.h"

#include "Status.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

using namespace vitc::rt;

/// A longer name is a sign of damage.
static constexpr uint64_t kMaxNameBytes = 1 << 16;

static Failure fileFailure(const std::string &path, const char *what) {
  return Failure(VITC_IO, "{}: cannot be {}: {}", path, what,
                 std::strerror(errno));
}

Journal::Journal(const std::string &path, const std::string &identity)
    : path(path),
      descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor < 0)
    throw fileFailure(path, "written");
  try {
    begin(identity);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
}

Journal::~Journal() { ::close(descriptor); }

void Journal::begin(const std::string &identity) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    throw Failure(VITC_IO, "{}: is being written by another run", path);
  struct stat status;
  if (::fstat(descriptor, &status) != 0)
    throw fileFailure(path, "read");
  std::string line = identity + "\n";
  std::string found(line.size(), '\0');
  if (!readAt(0, found.data(), found.size())) {
    // Empty, or cut short before its first record.
    write(line);
  } else if (found == line) {
    end = static_cast<int64_t>(line.size());
    readRecords(status.st_size);
  } else {
    throw Failure(VITC_IO,
                  "{}: is left of a run of another model or with other "
                  "options; needs to be deleted",
                  path);
  }
}

void Journal::readRecords(int64_t fileBytes) {
  while (true) {
    uint64_t sizes[2];
    if (!readAt(end, sizes, sizeof(sizes)))
      break;
    int64_t left = fileBytes - end - static_cast<int64_t>(sizeof(sizes));
    auto [nameBytes, contentBytes] = sizes;
    if (nameBytes == 0 || nameBytes > kMaxNameBytes ||
        contentBytes > static_cast<uint64_t>(left) ||
        nameBytes + contentBytes > static_cast<uint64_t>(left))
      break;
    std::string name(nameBytes, '\0');
    int64_t begin = end + static_cast<int64_t>(sizeof(sizes));
    if (!readAt(begin, name.data(), nameBytes))
      break;
    records[name] = {begin + static_cast<int64_t>(nameBytes),
                     static_cast<int64_t>(contentBytes)};
    end = begin + static_cast<int64_t>(nameBytes + contentBytes);
  }
}

bool Journal::readAt(int64_t offset, void *bytes, size_t count) const {
  size_t done = 0;
  while (done < count) {
    ssize_t step = ::pread(descriptor, static_cast<char *>(bytes) + done,
                           count - done, offset + done);
    if (step < 0 && errno == EINTR)
      continue;
    if (step <= 0)
      return false;
    done += step;
  }
  return true;
}

/// Writes at the end, over what was cut short.
void Journal::write(std::string_view bytes) {
  if (::ftruncate(descriptor, end) != 0)
    throw fileFailure(path, "written");
  for (size_t done = 0; done < bytes.size();) {
    ssize_t step = ::pwrite(descriptor, bytes.data() + done,
                            bytes.size() - done, end + done);
    if (step < 0 && errno == EINTR)
      continue;
    if (step < 0)
      throw fileFailure(path, "written");
    done += step;
  }
  end += static_cast<int64_t>(bytes.size());
}

void Journal::append(const std::string &name, std::string_view contents) {
  uint64_t sizes[2] = {name.size(), contents.size()};
  std::string record(reinterpret_cast<const char *>(sizes), sizeof(sizes));
  record.append(name).append(contents);
  int64_t offset = end + static_cast<int64_t>(sizeof(sizes) + name.size());
  write(record);
  records[name] = {offset, static_cast<int64_t>(contents.size())};
}

std::string Journal::read(const std::string &name) const {
  const Record &record = records.at(name);
  std::string contents(record.bytes, '\0');
  if (!readAt(record.offset, contents.data(), contents.size()))
    throw Failure(VITC_IO, "{}: ends before its last record", path);
  return contents;
}

void Journal::remove() { ::unlink(path.c_str()); }
