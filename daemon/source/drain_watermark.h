// SPDX-License-Identifier: Apache-2.0
// DrainWatermark: up to which time the records of all rings are complete, drain after drain. A drain is
// complete when all that was reserved in any ring as it began has been read: then nothing from before the
// drain before it can come any more. (Not before it itself: a store takes a moment to be seen by another
// CPU.) A CPU that is held up between reserving a record and submitting it, by an interrupt or by its
// hypervisor, holds the time with it, so order survives; but no longer than kMostHeld.
//
// Pure. One thread.
#pragma once

#include <cstdint>

namespace rcached {

class DrainWatermark {
 public:
  static constexpr std::uint64_t kMostHeld = 1'000'000'000;  // ns

  // After a drain that began at `begin_ns`.
  void drained(std::uint64_t begin_ns, bool complete) {
    gave_up_ = !complete && until_ns_ != 0 && begin_ns > until_ns_ + kMostHeld;
    if (complete || gave_up_) until_ns_ = previous_begin_ns_;
    previous_begin_ns_ = begin_ns;
  }

  // Records of this time and older may be delivered.
  std::uint64_t until_ns() const { return until_ns_; }
  // Whether the last drain went on without a record that had been reserved long before.
  bool gave_up() const { return gave_up_; }

 private:
  std::uint64_t until_ns_ = 0, previous_begin_ns_ = 0;
  bool gave_up_ = false;
};

}  // namespace rcached
