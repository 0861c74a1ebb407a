// SPDX-License-Identifier: Apache-2.0
// OvertakenFrees: a CPU has pushed a pfn and is held up before it reports the free; meanwhile another CPU's
// flush takes the magazine and reports that first. So the magazine_free names more pfns than the mirror has
// there, and the free, when it is reported at last, must not put its pfn back into the cache. An interrupt
// whose free overflows the depot does the same to the free that it interrupted.
//
// Bounded: only frees under way can be overtaken, one for each CPU and level of interrupt. If there are more
// the oldest is forgotten. Mirrors free_cpu_cached_iovas and iova_magazine_free_pfns, iova.c 4.15 and later.
// Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace rcached {

struct OvertakenFree {
  static constexpr std::uint16_t kAnyCpu = 0xffff;

  std::uint8_t order = 0;
  std::uint16_t cpu = kAnyCpu;  // the one that frees; any: not known before the cpu_flush
  std::uint16_t flusher = 0;    // the one that reported the magazine
  std::uint64_t pfn = 0;        // 0: not known, and its range is still in the mirror's tree
  std::uint32_t extent = 0;     // if the pfn is known, as it was allocated
  std::uint8_t alloc_order = 0;
};

class OvertakenFrees {
 public:
  void add(const OvertakenFree& free) {
    if (size_ == frees_.size()) erase(0);
    frees_[size_++] = free;
  }

  // The flush that `flusher` has reported magazine by magazine was one of `target`.
  void set_cpu(std::uint16_t flusher, std::uint16_t target) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (frees_[i].cpu == OvertakenFree::kAnyCpu && frees_[i].flusher == flusher) frees_[i].cpu = target;
    }
  }

  // The tree hands out a pfn that counts as allocated: if a free of that order has been overtaken it is this
  // one's. Returns whether there was one.
  bool name(std::uint64_t pfn, std::uint32_t extent, std::uint8_t order) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (frees_[i].pfn != 0 || frees_[i].order != order) continue;
      frees_[i].pfn = pfn;
      frees_[i].extent = extent;
      frees_[i].alloc_order = order;
      return true;
    }
    return false;
  }

  // A free into the cache that is reported now: was it overtaken? By its pfn if that is known, else the
  // reading decides: `already_gone` says that the fill read with it leaves no room for its pfn.
  std::optional<OvertakenFree> take(std::uint64_t pfn, std::uint16_t cpu, std::uint8_t order,
                                    bool already_gone) {
    for (std::size_t i = 0; i < size_; ++i) {
      const OvertakenFree free = frees_[i];
      if (free.cpu != cpu && free.cpu != OvertakenFree::kAnyCpu) continue;
      if (free.pfn == 0 ? free.order != order || !already_gone : free.pfn != pfn) continue;
      erase(i);
      return free;
    }
    return std::nullopt;
  }

  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

 private:
  void erase(std::size_t index) {
    for (--size_; index < size_; ++index) frees_[index] = frees_[index + 1];
  }

  std::array<OvertakenFree, 16> frees_{};
  std::size_t size_ = 0;
};

}  // namespace rcached
