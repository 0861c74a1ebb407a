// SPDX-License-Identifier: Apache-2.0
#include "allocator/rcache.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rcached {

RcachePeek Rcache::peek(std::uint16_t cpu, std::uint64_t max_pfn) const {
  RcachePeek peek;
  const Magazine* magazine = nullptr;
  const Cpu* const magazines = find_cpu(cpu);
  if (magazines != nullptr && !magazines->loaded.empty()) {
    peek.source = RcacheSource::loaded;
    magazine = &magazines->loaded;
  } else if (magazines != nullptr && !magazines->prev.empty()) {
    peek.source = RcacheSource::prev;
    magazine = &magazines->prev;
  } else if (!depot_.empty()) {
    peek.source = RcacheSource::depot;
    magazine = &depot_.back();
  } else {
    return peek;
  }
  peek.slot = magazine->find_pop(max_pfn);
  if (peek.slot >= 0) peek.pfn = magazine->known()[static_cast<std::size_t>(peek.slot)];
  return peek;
}

void Rcache::select(std::uint16_t cpu, RcacheSource source) {
  if (source == RcacheSource::prev) {
    Cpu& magazines = this->cpu(cpu);
    std::swap(magazines.loaded, magazines.prev);
  } else if (source == RcacheSource::depot) {
    this->cpu(cpu).loaded = take_from_depot(depot_.size() - 1);
  }
}

RcacheGet Rcache::get(std::uint16_t cpu, std::uint64_t max_pfn) {
  const RcachePeek next = peek(cpu, max_pfn);
  select(cpu, next.source);
  if (next.slot < 0) return {0, next.source};
  return {this->cpu(cpu).loaded.take(next.slot), next.source};
}

bool Rcache::insert_without_depot(std::uint16_t cpu, std::uint64_t pfn) {
  Cpu& magazines = this->cpu(cpu);
  if (magazines.loaded.size() >= capacity_) {
    if (magazines.prev.size() >= capacity_) return false;
    std::swap(magazines.loaded, magazines.prev);
  }
  magazines.loaded.push(pfn, capacity_);
  return true;
}

void Rcache::push_loaded_to_depot(std::uint16_t cpu) {
  depot_.push_back(std::exchange(this->cpu(cpu).loaded, Magazine()));
}

InsertOutcome Rcache::insert(std::uint16_t cpu, std::uint64_t pfn, bool magazine_available,
                             Magazine& set_aside) {
  if (insert_without_depot(cpu, pfn)) return InsertOutcome::pushed;
  if (!magazine_available) return InsertOutcome::no_magazine;
  InsertOutcome outcome = InsertOutcome::depot_push;
  if (depot_full()) {
    set_aside = std::exchange(this->cpu(cpu).loaded, Magazine());
    outcome = InsertOutcome::overflow;
  } else {
    push_loaded_to_depot(cpu);
  }
  this->cpu(cpu).loaded.push(pfn, capacity_);
  return outcome;
}

Magazine Rcache::take_from_depot(std::size_t index) {
  Magazine magazine = std::move(depot_[index]);
  depot_.erase(depot_.begin() + static_cast<std::ptrdiff_t>(index));
  return magazine;
}

std::uint64_t Rcache::cpu_cached() const {
  std::uint64_t sum = 0;
  for (const Cpu& magazines : cpus_) sum += magazines.loaded.size() + magazines.prev.size();
  return sum;
}

std::uint64_t Rcache::depot_cached() const {
  std::uint64_t sum = 0;
  for (const Magazine& magazine : depot_) sum += magazine.size();
  return sum;
}

bool operator==(const Rcache& a, const Rcache& b) {
  if (a.capacity_ != b.capacity_ || a.bounded_ != b.bounded_ || a.depot_capacity_ != b.depot_capacity_)
    return false;
  if (a.depot_ != b.depot_) return false;
  const Rcache& shorter = a.cpus_.size() <= b.cpus_.size() ? a : b;
  const Rcache& longer = &shorter == &a ? b : a;
  const auto rest = longer.cpus_.begin() + static_cast<std::ptrdiff_t>(shorter.cpus_.size());
  return std::equal(shorter.cpus_.begin(), shorter.cpus_.end(), longer.cpus_.begin(), rest) &&
         std::all_of(rest, longer.cpus_.end(),
                     [](const Rcache::Cpu& c) { return c.loaded.empty() && c.prev.empty(); });
}

void Rcache::grow(std::uint16_t cpu) { cpus_.resize(std::bit_ceil(std::size_t{cpu} + 1)); }

}  // namespace rcached
