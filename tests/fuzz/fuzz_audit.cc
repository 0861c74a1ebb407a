// SPDX-License-Identifier: Apache-2.0
// Kernel memory as returned by the reader, possibly of a domain that no longer exists: with any contents, the
// mirror stays consistent and the audit ends. The reader's guarantees are respected: magazines within their
// capacity, ascending ranges.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>

#include "allocator/domain_audit.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

class Memory {
 public:
  Memory(FuzzedDataProvider& data, const KernelProfile& profile) : data_(data), profile_(profile) {}

  CpuContents cpu(std::uint16_t number) {
    CpuContents contents;
    contents.time = time();
    contents.cpu = number;
    contents.magazines = data_.ConsumeIntegralInRange<std::uint16_t>(0, 2 * kCachedOrders);
    for (auto& order : contents.orders) {
      if (!data_.ConsumeBool()) continue;
      order.loaded = magazine();
      order.prev = magazine();
    }
    return contents;
  }

  DepotSlice depot(std::uint8_t order) {
    DepotSlice slice;
    slice.time = time();
    slice.order = order;
    for (int i = data_.ConsumeIntegralInRange(0, 3); i > 0; --i) slice.magazines.push_back(magazine());
    slice.first = data_.ConsumeIntegralInRange<std::uint32_t>(0, 2);
    slice.depot_size = slice.first + static_cast<std::uint32_t>(slice.magazines.size());
    slice.last = slice.first == 0;
    return slice;
  }

  TreeSlice tree(std::uint64_t from, std::uint64_t to) {
    TreeSlice slice;
    slice.time = time();
    slice.from = from;
    slice.to = to;
    std::uint64_t lo = from;
    for (int i = data_.ConsumeIntegralInRange(0, 12); i > 0 && lo <= to; --i) {
      lo += data_.ConsumeIntegralInRange<std::uint64_t>(0, 9);
      const std::uint64_t hi = lo + data_.ConsumeIntegralInRange<std::uint64_t>(0, 40);
      if (lo > to || hi < lo) break;
      slice.ranges.push_back({lo, hi});
      lo = hi + 1;
    }
    return slice;
  }

  Operation operation() {
    Operation op;
    op.kind = data_.PickValueInArray({OperationKind::alloc, OperationKind::free, OperationKind::tree_alloc,
                                      OperationKind::tree_free, OperationKind::magazine_free,
                                      OperationKind::cpu_flush, OperationKind::reserve});
    op.time_ns = now_ns_ += data_.ConsumeIntegralInRange<std::uint64_t>(0, 2'000'000'000);
    op.pfn = pfn();
    op.pfn_hi = op.pfn + data_.ConsumeIntegralInRange<std::uint64_t>(0, 8);
    op.limit_pfn = 0xfff;
    op.size = data_.ConsumeIntegralInRange<std::uint32_t>(1, 40);
    op.cpu = data_.ConsumeIntegralInRange<std::uint16_t>(0, 3);
    op.target_cpu = data_.ConsumeIntegralInRange<std::uint16_t>(0, 3);
    op.served_by = data_.ConsumeBool() ? ServedBy::cache : ServedBy::tree;
    op.overflowed = data_.ConsumeBool();
    return op;
  }

 private:
  ReadingTime time() {
    const std::uint64_t begin = now_ns_ += 1000;
    return {begin, now_ns_ += 1000};
  }
  std::uint64_t pfn() { return data_.ConsumeIntegralInRange<std::uint64_t>(0, 0x7f); }
  Pfns magazine() {
    Pfns pfns(data_.ConsumeIntegralInRange<std::size_t>(0, profile_.magazine_capacity));
    for (std::uint64_t& each : pfns) each = pfn();
    return pfns;
  }

  FuzzedDataProvider& data_;
  const KernelProfile& profile_;
  std::uint64_t now_ns_ = 0;
};

void answer(DomainAudit& audit, const ReadRequest& request, Memory& memory, FuzzedDataProvider& data) {
  if (data.ConsumeIntegralInRange(0, 9) == 0) return audit.unread(request);
  switch (request.part) {
    case ReadRequest::Part::cpu:
      return audit.apply(memory.cpu(request.cpu));
    case ReadRequest::Part::depot:
      for (int slices = 0;; ++slices) {
        DepotSlice slice = memory.depot(request.order);
        if (slices == 3) slice.last = true;
        audit.apply(slice);
        if (slice.last) return;
      }
    case ReadRequest::Part::tree: {
      const std::uint64_t middle = data.ConsumeIntegralInRange<std::uint64_t>(0, 0x100);
      audit.apply(request, memory.tree(0, middle));
      return audit.apply(request, memory.tree(middle + 1, ~std::uint64_t{0}));
    }
    case ReadRequest::Part::tree_at: {
      TreeSlice slice = memory.tree(request.pfn, request.pfn);
      std::erase_if(slice.ranges, [&](const TreeRange& range) { return range.lo != request.pfn; });
      return audit.apply(request, slice);
    }
    case ReadRequest::Part::flush_queue:
      return audit.apply_flush_queue(data.ConsumeIntegralInRange<std::uint64_t>(0, 99));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  KernelProfile profile = data.PickValueInArray({kProfile510, kProfile61, kProfile612});
  profile.magazine_capacity = data.ConsumeIntegralInRange(1u, 4u);
  if (profile.depot == DepotKind::bounded) profile.depot_capacity = data.ConsumeIntegralInRange(1u, 3u);
  DomainMirror mirror(profile, 1, data.ConsumeBool());
  Memory memory(data, profile);
  const auto consistent = [&] {
    const std::string wrong = mirror.model().find_inconsistency();
    check(wrong.empty(), "the model is consistent", wrong);
  };
  for (int rounds = data.ConsumeIntegralInRange(1, 3); rounds > 0; --rounds) {
    DomainAudit::Options options;
    options.goal = data.PickValueInArray(
        {DomainAudit::Goal::seed, DomainAudit::Goal::resync, DomainAudit::Goal::verify});
    options.possible_cpus = data.ConsumeIntegralInRange<std::uint16_t>(0, 4);
    options.has_flush_queue = data.ConsumeBool();
    options.reserved = {{0x10, 0xff}, {0x1000, 0x1fff}};
    options.pfn_end_32bit = data.ConsumeBool() ? 0x60 : 0;
    DomainAudit audit(mirror, options);
    int pieces = 0;
    while (audit.state() == DomainAudit::State::reading) {
      for (int i = data.ConsumeIntegralInRange(0, 2); i > 0; --i) {
        mirror.apply(memory.operation());
        consistent();
      }
      const auto request = audit.next();
      if (!request) break;
      answer(audit, *request, memory, data);
      consistent();
      check(++pieces < 10'000, "the audit ends");
    }
    check(audit.state() != DomainAudit::State::reading, "no requests are left");
  }
  mirror.settle(~std::uint64_t{0} / 2);
  consistent();
  (void)mirror.snapshot();
  return 0;
}
