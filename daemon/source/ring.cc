// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace rcached {
namespace {

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

std::size_t producer_bytes(std::uint32_t bytes) { return page_bytes() + 2 * std::size_t{bytes}; }

}  // namespace

std::optional<Ring> Ring::map(int ring_fd, std::uint32_t bytes) {
  static_assert(kBusy == BPF_RINGBUF_BUSY_BIT && kDiscarded == BPF_RINGBUF_DISCARD_BIT);
  static_assert(kHeaderBytes == BPF_RINGBUF_HDR_SZ);
  void* consumer = mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
  if (consumer == MAP_FAILED) return std::nullopt;
  void* producer =
      mmap(nullptr, producer_bytes(bytes), PROT_READ, MAP_SHARED, ring_fd, static_cast<off_t>(page_bytes()));
  if (producer == MAP_FAILED) {
    munmap(consumer, page_bytes());
    return std::nullopt;
  }
  return Ring(consumer, producer, bytes);
}

Ring::Ring(void* consumer, const void* producer, std::uint32_t bytes)
    : consumer_(consumer),
      producer_(producer),
      data_(static_cast<const char*>(producer) + page_bytes()),
      bytes_(bytes),
      consumed_(__atomic_load_n(static_cast<const std::uint64_t*>(consumer), __ATOMIC_ACQUIRE)) {}

Ring::~Ring() {
  if (consumer_ == nullptr) return;
  munmap(consumer_, page_bytes());
  munmap(const_cast<void*>(producer_), producer_bytes(bytes_));
}

Ring::Ring(Ring&& other) noexcept
    : consumer_(std::exchange(other.consumer_, nullptr)),
      producer_(other.producer_),
      data_(other.data_),
      bytes_(other.bytes_),
      consumed_(other.consumed_) {}

Ring& Ring::operator=(Ring&& other) noexcept {
  std::swap(consumer_, other.consumer_);
  std::swap(producer_, other.producer_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(consumed_, other.consumed_);
  return *this;
}

std::uint64_t Ring::reserved() const {
  return __atomic_load_n(static_cast<const std::uint64_t*>(producer_), __ATOMIC_ACQUIRE);
}

std::uint32_t Ring::header_of(const char* record) {
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(record), __ATOMIC_ACQUIRE);
}

void Ring::release() {
  __atomic_store_n(static_cast<std::uint64_t*>(consumer_), consumed_, __ATOMIC_RELEASE);
}

}  // namespace rcached
