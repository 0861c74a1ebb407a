// SPDX-License-Identifier: Apache-2.0
// Operations in few words, and a mirror with tiny magazines: capacity 3, depot 2, order 0 unless said
// otherwise.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "allocator/mirror.h"
#include "allocator/test_support.h"

namespace rcached::test {

inline Operation alloc(std::uint64_t pfn, std::uint16_t cpu = 0, std::uint32_t size = 1) {
  Operation op;
  op.kind = OperationKind::alloc;
  op.pfn = pfn;
  op.cpu = cpu;
  op.size = size;
  op.limit_pfn = ~0ull - 1;
  return op;
}

inline Operation free(std::uint64_t pfn, std::uint16_t cpu = 0, std::uint32_t size = 1) {
  Operation op = alloc(pfn, cpu, size);
  op.kind = OperationKind::free;
  return op;
}

inline Operation of(OperationKind kind, std::uint64_t pfn = 0, std::uint32_t size = 0) {
  Operation op;
  op.kind = kind;
  op.pfn = pfn;
  op.size = size;
  return op;
}

inline Operation magazine_free(MagazineFreeCause cause, std::uint64_t bottom, std::uint32_t size,
                               std::uint8_t order) {
  Operation op = of(OperationKind::magazine_free, bottom, size);
  op.cause = cause;
  op.order = order;
  return op;
}

inline Operation by_tree(Operation op) {
  op.served_by = ServedBy::tree;
  return op;
}

inline Operation overflowed(Operation op) {
  op.overflowed = true;
  return op;
}

inline Operation read(Operation op, std::uint16_t loaded, std::uint16_t prev, std::uint32_t depot = 0) {
  op.fill = {loaded, prev, depot};
  op.has_fill = true;
  return op;
}

inline Operation at(Operation op, std::uint64_t time_ns) {
  op.time_ns = time_ns;
  return op;
}

class MirrorTest : public testing::Test {
 protected:
  MirrorTest() { reset(true); }
  void reset(bool observed_from_birth, const KernelProfile& generation = kProfile61) {
    mirror_.emplace(scaled(generation, 3, 2), 1, observed_from_birth);
  }
  void apply(const Operation& op) {
    mirror_->apply(op);
    ASSERT_EQ(mirror_->model().find_inconsistency(), "");
  }
  void apply(std::initializer_list<Operation> ops) {
    for (const Operation& op : ops) apply(op);
  }
  // Allocates first..last from the tree and frees them in that order on one CPU.
  void cache(std::uint64_t first, std::uint64_t last, std::uint16_t cpu = 0) {
    for (std::uint64_t pfn = first; pfn <= last; ++pfn) {
      apply({of(OperationKind::tree_alloc, pfn, 1), by_tree(alloc(pfn, cpu))});
    }
    for (std::uint64_t pfn = first; pfn <= last; ++pfn) apply(free(pfn, cpu));
  }
  std::vector<std::uint64_t> loaded(std::uint16_t cpu = 0) {
    return known(mirror_->model().rcache(0).loaded(cpu));
  }
  std::vector<std::uint64_t> prev(std::uint16_t cpu = 0) {
    return known(mirror_->model().rcache(0).prev(cpu));
  }
  std::vector<std::uint64_t> depot(std::size_t index) {
    return known(mirror_->model().rcache(0).depot()[index]);
  }
  DomainSnapshot shot() const { return mirror_->snapshot(); }
  OrderSnapshot order(std::uint8_t index = 0) const { return shot().orders[index]; }

  using Pfns = std::vector<std::uint64_t>;
  std::optional<DomainMirror> mirror_;

 private:
  static Pfns known(const Magazine& magazine) { return {magazine.known().begin(), magazine.known().end()}; }
};

}  // namespace rcached::test
