// SPDX-License-Identifier: Apache-2.0
// ReadingGate: makes the input log wait for a reading of kernel memory that is under way, so that it can be placed
// where it belongs: before the operations that came later.
//
// Why no reading is missed: the log may only be written up to the begin of an earlier drain. The auditor opens a
// reading before it reads, and closes it after its result is posted; the log asks for the limit before it takes what
// was posted. Either it sees the reading open, or its result is there, or the reading began after that drain.
//
// Threads: open() and close() belong to the auditor, limit_ns() to the log.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace rcached {

class ReadingGate {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
  // A reading that takes longer is not waited for; it will be too late.
  static constexpr std::uint64_t kMaxHeldNs = 1'000'000'000;

  void open(std::uint64_t now_ns) { since_ns_.store(now_ns); }
  void close() { since_ns_.store(0); }

  // The log may be written up to this time.
  std::uint64_t limit_ns(std::uint64_t now_ns) const {
    const std::uint64_t since = since_ns_.load();
    return since == 0 || now_ns > since + kMaxHeldNs ? kNoLimit : since - 1;
  }

 private:
  std::atomic<std::uint64_t> since_ns_{0};  // 0: no reading under way
};

}  // namespace rcached
