// SPDX-License-Identifier: Apache-2.0
// The ring buffer of a CPU: its size, and reading it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
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

// Ring: the reading side of a BPF ring buffer, on the memory that the kernel maps for it (kernel/bpf/ringbuf.c, 5.8 and
// later): the consumer's page, the producer's page, and the data, twice, so that every record is in one piece.
//
// libbpf's consumer reads until a ring is empty, which may never be while the kernel writes; this one reads up to a
// position, so that a drain ends.
//
// A record is reserved before its writer takes its timestamp (bpf/emit.bpf.h), and a reader does not skip records
// that are not submitted. So once everything that was reserved at some moment has been read, every later record
// has a later timestamp.
//
// One thread.
class Ring {
 public:
  // `bytes`: the size of the ring, which is a power of two. nullopt (and errno): it cannot be mapped. The descriptor may
  // be closed afterwards.
  static std::optional<Ring> map(int ring_fd, std::uint32_t bytes);
  ~Ring();
  Ring(Ring&& other) noexcept;
  Ring& operator=(Ring&& other) noexcept;

  std::uint32_t bytes() const { return bytes_; }
  // Bytes since the ring was created.
  std::uint64_t reserved() const;
  std::uint64_t consumed() const { return consumed_; }

  // Passes the records that begin before position `end` (at most reserved()) to take(const void* data, std::size_t size),
  // and frees their space. False: it stopped at one that is not submitted yet.
  template <typename Take>
  bool consume(std::uint64_t end, Take take) {
    bool submitted = true;
    const std::uint64_t begin = consumed_;
    while (consumed_ < end) {
      const char* record = data_ + (consumed_ & (bytes_ - 1));
      const std::uint32_t header = header_of(record);
      submitted = (header & kBusy) == 0;
      if (!submitted) break;
      const std::uint32_t size = header & ~(kBusy | kDiscarded);
      if ((header & kDiscarded) == 0)
        take(static_cast<const void*>(record + kHeaderBytes), std::size_t{size});
      consumed_ += (std::uint64_t{size} + kHeaderBytes + 7) / 8 * 8;
    }
    if (consumed_ != begin) release();
    return submitted;
  }

 private:
  static constexpr std::uint32_t kBusy = 1u << 31;       // BPF_RINGBUF_BUSY_BIT
  static constexpr std::uint32_t kDiscarded = 1u << 30;  // BPF_RINGBUF_DISCARD_BIT
  static constexpr std::uint32_t kHeaderBytes = 8;       // BPF_RINGBUF_HDR_SZ

  Ring(void* consumer, const void* producer, std::uint32_t bytes);
  static std::uint32_t header_of(const char* record);
  void release();

  void* consumer_;        // page
  const void* producer_;  // page, followed by the data
  const char* data_;
  std::uint32_t bytes_;
  std::uint64_t consumed_ = 0;
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
