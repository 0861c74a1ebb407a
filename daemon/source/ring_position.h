// SPDX-License-Identifier: Apache-2.0
// RingPosition: how far a BPF ring buffer has been written and read, from the two pages that the kernel maps
// for it (kernel/bpf/ringbuf.c: the consumer's page, then the producer's; 5.8 and later).
//
// A record counts as reserved before its writer takes its time (bpf/emit.bpf.h), and is skipped by no reader
// while it is not submitted. So once all that was reserved at some moment has been read, every record that
// comes later is of a later time.
#pragma once

#include <cstdint>
#include <optional>

namespace rcached {

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

}  // namespace rcached
