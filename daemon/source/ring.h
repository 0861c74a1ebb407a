// SPDX-License-Identifier: Apache-2.0
// The ring buffer of a CPU: its size, and how far it has been written and read.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

namespace rcached {

// The default size of a CPU's ring buffer, with a limit on the total for large machines.
// For a machine with `cpus` possible CPUs (>= 1). A power of two; at most 256 MiB in all, as long as a CPU's
// is not below 256 KiB.
constexpr std::uint32_t automatic_ring_bytes(std::uint32_t cpus) {
  constexpr std::uint32_t kAll = 256u << 20, kMin = 256u << 10, kMax = 4u << 20;
  return std::clamp(std::bit_floor(kAll / cpus), kMin, kMax);
}

// RingPosition: the write and read positions of a BPF ring buffer, from the two pages that the kernel maps
// for it (kernel/bpf/ringbuf.c: the consumer's page, then the producer's; 5.8 and later).
//
// A record is reserved before its writer takes its timestamp (bpf/emit.bpf.h), and readers do not skip records
// that are not submitted. So once everything that was reserved at some moment has been read, every later record
// has a later timestamp.

class RingPosition {
 public:
  // nullopt (and errno): it cannot be mapped. The descriptor may be closed afterwards.
  static std::optional<RingPosition> map(int ring_fd);
  ~RingPosition();
  RingPosition(RingPosition&& other) noexcept;
  RingPosition& operator=(RingPosition&& other) noexcept;

  // Bytes since the ring was created.
  std::uint64_t reserved() const;
  std::uint64_t consumed() const;

 private:
  explicit RingPosition(void* pages) : pages_(pages) {}

  void* pages_;
};

// DrainWatermark: the time up to which the records of all rings are complete. A drain is complete when everything
// that was reserved in any ring at its start has been read: then no record from before the start of the previous
// drain can still arrive. (Not of this drain: a store takes a moment to become visible to other CPUs.) A CPU that
// is delayed between reserving and submitting a record, by an interrupt or by its hypervisor, holds the watermark
// back to preserve the order, but no longer than kMaxHeld.
//
// Pure. One thread.

class DrainWatermark {
 public:
  static constexpr std::uint64_t kMaxHeld = 1'000'000'000;  // ns

  // Call after a drain that began at `begin_ns`.
  void drained(std::uint64_t begin_ns, bool complete) {
    gave_up_ = !complete && until_ns_ != 0 && begin_ns > until_ns_ + kMaxHeld;
    if (complete || gave_up_) until_ns_ = previous_begin_ns_;
    previous_begin_ns_ = begin_ns;
  }

  // Records up to this time may be delivered.
  std::uint64_t until_ns() const { return until_ns_; }
  // Whether the last drain stopped waiting for a record that had been reserved long before.
  bool gave_up() const { return gave_up_; }

 private:
  std::uint64_t until_ns_ = 0, previous_begin_ns_ = 0;
  bool gave_up_ = false;
};

}  // namespace rcached
