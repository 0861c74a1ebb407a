// SPDX-License-Identifier: Apache-2.0
// The ring buffer of a CPU: its size, and how far it has been written and read.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

namespace rcached {

// How large the ring buffer of a CPU is where nobody says it: what a small machine's CPUs can use, and no
// more memory on a large one than it would give for its counters.

// For a machine with `cpus` possible CPUs (>= 1). A power of two; at most 256 MiB in all, as long as a CPU's
// is not below 256 KiB.
constexpr std::uint32_t automatic_ring_bytes(std::uint32_t cpus) {
  constexpr std::uint32_t kAll = 256u << 20, kMin = 256u << 10, kMax = 4u << 20;
  return std::clamp(std::bit_floor(kAll / cpus), kMin, kMax);
}

// RingPosition: how far a BPF ring buffer has been written and read, from the two pages that the kernel maps
// for it (kernel/bpf/ringbuf.c: the consumer's page, then the producer's; 5.8 and later).
//
// A record counts as reserved before its writer takes its time (bpf/emit.bpf.h), and is skipped by no reader
// while it is not submitted. So once all that was reserved at some moment has been read, every record that
// comes later is of a later time.

class RingPosition {
 public:
  // nullopt with errno: it cannot be mapped. The descriptor may be closed afterwards.
  static std::optional<RingPosition> map(int ring_fd);
  ~RingPosition();
  RingPosition(RingPosition&& other) noexcept;
  RingPosition& operator=(RingPosition&& other) noexcept;

  // Bytes since the ring was made.
  std::uint64_t reserved() const;
  std::uint64_t consumed() const;

 private:
  explicit RingPosition(void* pages) : pages_(pages) {}

  void* pages_;
};

// DrainWatermark: up to which time the records of all rings are complete, drain after drain. A drain is
// complete when all that was reserved in any ring as it began has been read: then nothing from before the
// drain before it can come any more. (Not before it itself: a store takes a moment to be seen by another
// CPU.) A CPU that is held up between reserving a record and submitting it, by an interrupt or by its
// hypervisor, holds the time with it, so order survives; but no longer than kMaxHeld.
//
// Pure. One thread.

class DrainWatermark {
 public:
  static constexpr std::uint64_t kMaxHeld = 1'000'000'000;  // ns

  // After a drain that began at `begin_ns`.
  void drained(std::uint64_t begin_ns, bool complete) {
    gave_up_ = !complete && until_ns_ != 0 && begin_ns > until_ns_ + kMaxHeld;
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
