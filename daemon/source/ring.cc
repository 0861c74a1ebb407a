// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/ring.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <utility>

namespace rcached {

namespace {

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

std::uint64_t load(void* at) {
  return std::atomic_ref(*static_cast<std::uint64_t*>(at)).load(std::memory_order_acquire);
}

}  // namespace

std::optional<RingPosition> RingPosition::map(int ring_fd) {
  void* pages = mmap(nullptr, 2 * page_bytes(), PROT_READ, MAP_SHARED, ring_fd, 0);
  if (pages == MAP_FAILED) return std::nullopt;
  return RingPosition(pages);
}

RingPosition::~RingPosition() {
  if (pages_ != nullptr) munmap(pages_, 2 * page_bytes());
}

RingPosition::RingPosition(RingPosition&& other) noexcept : pages_(std::exchange(other.pages_, nullptr)) {}

RingPosition& RingPosition::operator=(RingPosition&& other) noexcept {
  std::swap(pages_, other.pages_);
  return *this;
}

std::uint64_t RingPosition::consumed() const { return load(pages_); }

std::uint64_t RingPosition::reserved() const { return load(static_cast<char*>(pages_) + page_bytes()); }

}  // namespace rcached
