// SPDX-License-Identifier: Apache-2.0
#include "allocator/rcache.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace rcached {

const Magazine Rcache::none_;

RcachePeek Rcache::peek(std::uint16_t cpu, std::uint64_t max_pfn) const {
  RcachePeek peek;
  const Magazine* magazine = nullptr;
  if (const Magazine& loaded = this->loaded(cpu); !loaded.empty()) {
    peek.source = RcacheSource::loaded;
    magazine = &loaded;
  } else if (const Magazine& prev = this->prev(cpu); !prev.empty()) {
    peek.source = RcacheSource::prev;
    magazine = &prev;
  } else if (!depot_.empty()) {
    peek.source = RcacheSource::depot;
    magazine = depot_.back();
  } else {
    return peek;
  }
  peek.slot = magazine->find_pop(max_pfn);
  if (peek.slot >= 0) peek.pfn = magazine->known()[static_cast<std::size_t>(peek.slot)];
  return peek;
}

void Rcache::select(std::uint16_t cpu, RcacheSource source) {
  if (source == RcacheSource::prev) {
    swap(cpu);
  } else if (source == RcacheSource::depot) {
    load_from_depot(cpu, depot_.size() - 1);
  }
}

RcacheGet Rcache::get(std::uint16_t cpu, std::uint64_t max_pfn) {
  const RcachePeek next = peek(cpu, max_pfn);
  select(cpu, next.source);
  if (next.slot < 0) return {0, next.source};
  return {own(cpu).loaded->take(next.slot), next.source};
}

const Magazine* Rcache::insert_without_depot(std::uint16_t cpu, std::uint64_t pfn) {
  Cpu& magazines = own(cpu);
  if (magazines.loaded != nullptr && magazines.loaded->size() >= capacity_) {
    if (magazines.prev != nullptr && magazines.prev->size() >= capacity_) return nullptr;
    std::swap(magazines.loaded, magazines.prev);
  }
  Magazine& loaded = provide(magazines.loaded, cpu);
  loaded.push(pfn, capacity_);
  return &loaded;
}

void Rcache::push_loaded_to_depot(std::uint16_t cpu) {
  Magazine* full = std::exchange(own(cpu).loaded, nullptr);
  assert(full != nullptr);
  full->depot_index_ = static_cast<std::uint32_t>(depot_.size());
  unknown_in_depot_ += full->unknown();
  depot_.push_back(full);
}

InsertOutcome Rcache::insert(std::uint16_t cpu, std::uint64_t pfn, bool magazine_available,
                             Magazine& set_aside) {
  if (insert_without_depot(cpu, pfn) != nullptr) return InsertOutcome::pushed;
  if (!magazine_available) return InsertOutcome::no_magazine;
  InsertOutcome outcome = InsertOutcome::depot_push;
  if (depot_full()) {
    set_aside = take_loaded(cpu);
    outcome = InsertOutcome::overflow;
  } else {
    push_loaded_to_depot(cpu);
  }
  provide(own(cpu).loaded, cpu).push(pfn, capacity_);
  return outcome;
}

Magazine Rcache::take_loaded(std::uint16_t cpu) { return take(own(cpu).loaded); }

Magazine Rcache::take_prev(std::uint16_t cpu) { return take(own(cpu).prev); }

Magazine Rcache::take_from_depot(std::size_t index) {
  Magazine* magazine = leave_depot(index);
  return take(magazine);
}

void Rcache::swap(std::uint16_t cpu) {
  Cpu& magazines = own(cpu);
  std::swap(magazines.loaded, magazines.prev);
}

void Rcache::load_from_depot(std::uint16_t cpu, std::size_t index) {
  Magazine*& loaded = own(cpu).loaded;
  assert(loaded == nullptr || loaded->empty());
  destroy(loaded);
  loaded = leave_depot(index);
  loaded->cpu_ = cpu;
}

void Rcache::add_to_depot(std::size_t index, std::uint32_t unknown) {
  Magazine* magazine = make(0);
  magazine->add_unknown(unknown);
  unknown_in_depot_ += unknown;
  depot_.insert(depot_.begin() + static_cast<std::ptrdiff_t>(index), magazine);
  renumber_depot(index, depot_.size());
}

void Rcache::swap_in_depot(std::size_t a, std::size_t b) {
  std::swap(depot_[a], depot_[b]);
  renumber_depot(a, a + 1);
  renumber_depot(b, b + 1);
}

void Rcache::rotate_depot(std::size_t index) {
  std::rotate(depot_.begin(), depot_.begin() + static_cast<std::ptrdiff_t>(index), depot_.end());
  renumber_depot(0, depot_.size());
}

Magazine* Rcache::leave_depot(std::size_t index) {
  Magazine* magazine = depot_[index];
  depot_.erase(depot_.begin() + static_cast<std::ptrdiff_t>(index));
  renumber_depot(index, depot_.size());
  magazine->depot_index_ = Magazine::kNotInDepot;
  unknown_in_depot_ -= magazine->unknown();
  return magazine;
}

void Rcache::renumber_depot(std::size_t from, std::size_t to) {
  for (std::size_t index = from; index < to; ++index) {
    depot_[index]->depot_index_ = static_cast<std::uint32_t>(index);
  }
}

Magazine* Rcache::make(std::uint16_t cpu) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(magazines_.size()));
    magazines_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  magazines_[number] = std::make_unique<Magazine>();
  Magazine* magazine = magazines_[number].get();
  magazine->id_ = MagazineId(order_, number);
  magazine->cpu_ = cpu;
  return magazine;
}

Magazine Rcache::take(Magazine*& place) {
  Magazine taken;
  if (place == nullptr) return taken;
  taken.known_ = std::move(place->known_);
  taken.unknown_ = place->unknown_;
  destroy(place);
  return taken;
}

void Rcache::destroy(Magazine*& place) {
  if (place == nullptr) return;
  const std::uint32_t number = place->id_.number();
  place = nullptr;
  magazines_[number].reset();
  free_.push_back(number);
}

std::uint64_t Rcache::cpu_cached() const {
  std::uint64_t sum = 0;
  for (std::size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
    const auto id = static_cast<std::uint16_t>(cpu);
    sum += loaded(id).size() + prev(id).size();
  }
  return sum;
}

std::uint64_t Rcache::depot_cached() const {
  std::uint64_t sum = 0;
  for (const Magazine* magazine : depot_) sum += magazine->size();
  return sum;
}

bool operator==(const Rcache& a, const Rcache& b) {
  if (a.capacity_ != b.capacity_ || a.bounded_ != b.bounded_ || a.depot_capacity_ != b.depot_capacity_)
    return false;
  const auto equal = [](const Magazine* x, const Magazine* y) { return *x == *y; };
  if (!std::ranges::equal(a.depot_, b.depot_, equal)) return false;
  for (std::size_t cpu = 0; cpu < std::max(a.cpus(), b.cpus()); ++cpu) {
    const auto id = static_cast<std::uint16_t>(cpu);
    if (a.loaded(id) != b.loaded(id) || a.prev(id) != b.prev(id)) return false;
  }
  return true;
}

void Rcache::grow(std::uint16_t cpu) { cpus_.resize(std::bit_ceil(std::size_t{cpu} + 1)); }

}  // namespace rcached
