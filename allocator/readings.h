// SPDX-License-Identifier: Apache-2.0
// Readings: what the probes last read of the kernel's magazines and depots, kept apart from the model so that
// the two can be compared, and how long they have been different.
//
// Why a difference is not corrected at the first sight of it: a reading can be ahead of the operations
// reported so far. An interrupt between an operation and its probe reports its own operations first, with
// readings that include the interrupted one; a depot reading includes what other CPUs have done but not
// reported yet. Such a difference disappears by itself when the report comes, and correcting it would make a
// real pfn anonymous. So a difference is *due* when it has stood for kReadings readings and kStandingNs, or
// when operations are known to have been lost since the last agreement (then it is most likely real).
//
// Plain bookkeeping; times in nanoseconds of the operations' clock. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace rcached {

class Difference {
 public:
  static constexpr std::uint32_t kReadings = 4;
  // A virtual CPU can be taken away between an operation and its report, for tenths of a second.
  static constexpr std::uint64_t kStandingNs = 1'000'000'000;

  bool stands() const { return count_ != 0; }

  void agree(std::uint32_t loss_epoch) {
    count_ = 0;
    loss_epoch_ = loss_epoch;
  }

  // A reading that differs by `amount` (never 0; its sign tells the direction).
  void observe(std::int64_t amount, std::uint64_t now_ns) {
    if (count_ == 0 || (amount < 0) != (least_ < 0)) {
      count_ = 0;
      since_ns_ = now_ns;
      least_ = amount;
    }
    if (std::abs(amount) < std::abs(least_)) least_ = amount;
    if (count_ < kReadings) ++count_;
  }

  bool due_at_reading(std::uint64_t now_ns, std::uint32_t loss_epoch) const {
    return stands() && (loss_epoch != loss_epoch_ || (count_ >= kReadings && stood(now_ns)));
  }
  bool due_at_rest(std::uint64_t now_ns, std::uint32_t loss_epoch) const {
    return stands() && (loss_epoch != loss_epoch_ || stood(now_ns));
  }
  // The part of the difference that has stood all the time.
  std::int64_t least() const { return least_; }

 private:
  bool stood(std::uint64_t now_ns) const { return now_ns >= since_ns_ && now_ns - since_ns_ >= kStandingNs; }

  std::int64_t least_ = 0;
  std::uint64_t since_ns_ = 0;
  std::uint32_t loss_epoch_ = 0;
  std::uint32_t count_ = 0;
};

// Of one (cpu, order).
struct alignas(32) CpuReading {  // never in two cache lines
  std::uint16_t loaded = 0;
  std::uint16_t prev = 0;
  bool ever = false;   // read or known empty at least once: from then on differences are drift
  bool valid = false;  // nothing has changed the magazines since without a reading of its own
  Difference difference;
};

// Of the depot of one order.
struct DepotReading {
  std::uint32_t magazines = 0;
  bool ever = false;
  bool valid = false;
  bool adopting = false;      // it is being taken over from kernel memory, slice by slice
  std::uint32_t surplus = 0;  // the mirror's lowest magazines, that no slice has had so far
  Difference difference;
};

}  // namespace rcached
