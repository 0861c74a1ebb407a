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
    swap(cpu);
  } else if (source == RcacheSource::depot) {
    load_from_depot(cpu, depot_.size() - 1);
  }
}

RcacheGet Rcache::get(std::uint16_t cpu, std::uint64_t max_pfn) {
  const RcachePeek next = peek(cpu, max_pfn);
  select(cpu, next.source);
  if (next.slot < 0) return {0, next.source};
  return {own(cpu).loaded.take(next.slot), next.source};
}

const Magazine& Rcache::magazine(MagazineId id) const {
  const Place& at = place(id);
  if (at.in_depot()) return depot_[at.depot_index];
  const Cpu& magazines = cpus_[at.cpu];
  return magazines.loaded.id_ == id ? magazines.loaded : magazines.prev;
}

const Magazine* Rcache::insert_without_depot(std::uint16_t cpu, std::uint64_t pfn) {
  Cpu& magazines = own(cpu);
  if (magazines.loaded.size() >= capacity_) {
    if (magazines.prev.size() >= capacity_) return nullptr;
    std::swap(magazines.loaded, magazines.prev);
  }
  with_id(magazines.loaded, cpu).push(pfn, capacity_);
  return &magazines.loaded;
}

void Rcache::push_loaded_to_depot(std::uint16_t cpu) {
  depot_.push_back(std::exchange(with_id(own(cpu).loaded, cpu), Magazine()));
  places_[depot_.back().id_.number()].depot_index = static_cast<std::uint32_t>(depot_.size() - 1);
  unknown_in_depot_ += depot_.back().unknown();
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
  with_id(own(cpu).loaded, cpu).push(pfn, capacity_);
  return outcome;
}

Magazine Rcache::take_loaded(std::uint16_t cpu) { return take(std::move(own(cpu).loaded)); }

Magazine Rcache::take_prev(std::uint16_t cpu) { return take(std::move(own(cpu).prev)); }

Magazine Rcache::take_from_depot(std::size_t index) { return take(leave_depot(index)); }

void Rcache::swap(std::uint16_t cpu) {
  Cpu& magazines = own(cpu);
  std::swap(magazines.loaded, magazines.prev);
}

void Rcache::load_from_depot(std::uint16_t cpu, std::size_t index) {
  Magazine& loaded = own(cpu).loaded;
  assert(loaded.empty());
  take(std::move(loaded));
  loaded = leave_depot(index);
  places_[loaded.id_.number()].cpu = cpu;
}

void Rcache::add_to_depot(std::size_t index, std::uint32_t unknown) {
  Magazine magazine;
  magazine.id_ = make_id(0);
  magazine.add_unknown(unknown);
  unknown_in_depot_ += unknown;
  depot_.insert(depot_.begin() + static_cast<std::ptrdiff_t>(index), std::move(magazine));
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

Magazine Rcache::leave_depot(std::size_t index) {
  Magazine magazine = std::move(depot_[index]);
  depot_.erase(depot_.begin() + static_cast<std::ptrdiff_t>(index));
  renumber_depot(index, depot_.size());
  places_[magazine.id_.number()].depot_index = Place::kNotInDepot;
  unknown_in_depot_ -= magazine.unknown();
  return magazine;
}

void Rcache::renumber_depot(std::size_t from, std::size_t to) {
  for (std::size_t index = from; index < to; ++index) {
    places_[depot_[index].id_.number()].depot_index = static_cast<std::uint32_t>(index);
  }
}

MagazineId Rcache::make_id(std::uint16_t cpu) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  places_[number] = {Place::kNotInDepot, cpu};
  return {order_, number};
}

// Its contents without an id; what is left is empty.
Magazine Rcache::take(Magazine&& magazine) {
  Magazine taken = std::exchange(magazine, Magazine());
  if (!taken.id_.is_none()) free_.push_back(taken.id_.number());
  taken.id_ = MagazineId();
  return taken;
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
  for (const Magazine& magazine : depot_) sum += magazine.size();
  return sum;
}

bool operator==(const Rcache& a, const Rcache& b) {
  if (a.capacity_ != b.capacity_ || a.bounded_ != b.bounded_ || a.depot_capacity_ != b.depot_capacity_)
    return false;
  if (a.depot_ != b.depot_) return false;
  for (std::size_t cpu = 0; cpu < std::max(a.cpus(), b.cpus()); ++cpu) {
    const auto id = static_cast<std::uint16_t>(cpu);
    if (a.loaded(id) != b.loaded(id) || a.prev(id) != b.prev(id)) return false;
  }
  return true;
}

void Rcache::grow(std::uint16_t cpu) { cpus_.resize(std::bit_ceil(std::size_t{cpu} + 1)); }

}  // namespace rcached
