// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/fake_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "allocator/kernel_profile.h"
#include "bpf/event.h"

// The skeleton needs the types above.
#include "bpf/reader_feeder.skel.h"

namespace rcached {
namespace {

constexpr std::uint64_t kAnchor = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kRed = 0;
constexpr std::uint64_t kBlack = 1;
// Every CPU has an area. An offset of 0 would mean that it is unknown, so offsets are relative to one page
// before the first area.
constexpr std::uint64_t kArea = 4096;
constexpr std::uint64_t kQueueInArea = 2048;

}  // namespace

std::unique_ptr<FakeKernel> FakeKernel::make() {
  ::reader_feeder_bpf* feeder = reader_feeder_bpf::open_and_load();
  if (feeder == nullptr) return nullptr;
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  if (bpf_prog_test_run_opts(bpf_program__fd(feeder->progs.feeder_layout), &options) != 0) {
    reader_feeder_bpf::destroy(feeder);
    return nullptr;
  }
  return std::unique_ptr<FakeKernel>(new FakeKernel(feeder));
}

FakeKernel::FakeKernel(::reader_feeder_bpf* feeder) : feeder_(feeder), layout_(feeder->bss->layout) {
  if (usable()) build_domain();
}

FakeKernel::~FakeKernel() { reader_feeder_bpf::destroy(feeder_); }

KernelAddress FakeKernel::allocate(std::size_t bytes) {
  const std::size_t at = (used_ + 63) / 64 * 64;
  if (at + bytes > FAKE_MEMORY_BYTES) throw std::length_error("fake kernel memory");
  used_ = at + bytes;
  return feeder_->bss->memory_address + at;
}

void FakeKernel::put(KernelAddress at, std::uint64_t value) {
  std::memcpy(feeder_->bss->memory + (at - feeder_->bss->memory_address), &value, sizeof(value));
}

void FakeKernel::put32(KernelAddress at, std::uint32_t value) {
  std::memcpy(feeder_->bss->memory + (at - feeder_->bss->memory_address), &value, sizeof(value));
}

std::uint64_t FakeKernel::get(KernelAddress at) const {
  std::uint64_t value = 0;
  std::memcpy(&value, feeder_->bss->memory + (at - feeder_->bss->memory_address), sizeof(value));
  return value;
}

void FakeKernel::build_domain() {
  const auto cpus = std::max<std::uint64_t>(static_cast<std::uint64_t>(libbpf_num_possible_cpus()), kCpus);
  per_cpu_offset_ = allocate(RCACHED_MAX_CPUS * sizeof(std::uint64_t));
  per_cpu_ = allocate(cpus * kArea);
  for (std::uint64_t cpu = 0; cpu < cpus; ++cpu)
    put(per_cpu_offset_ + cpu * sizeof(std::uint64_t), (cpu + 1) * kArea);
  cookie_ = allocate(layout_.cookie_bytes);
  domain_ = cookie_ + layout_.iovad;
  rcaches_ = allocate(std::size_t{layout_.rcache_bytes} * kCachedOrders);
  put(domain_ + layout_.granule, kGranule);
  put(domain_ + layout_.start_pfn, 1);
  put(domain_ + layout_.dma_32bit_pfn, (std::uint64_t{1} << 32) / kGranule);
  put(domain_ + layout_.rcaches, rcaches_);
  for (unsigned order = 0; order < kCachedOrders; ++order)
    put(rcache(order) + layout_.cpu_rcaches,
        per_cpu_ - kArea + std::uint64_t{order} * layout_.cpu_rcache_bytes);
  set_tree({});
}

KernelAddress FakeKernel::make_magazine(const Pfns& pfns) {
  const KernelAddress magazine = allocate(layout_.magazine_bytes);
  put(magazine + layout_.size, pfns.size());
  for (std::size_t i = 0; i < pfns.size(); ++i)
    put(magazine + layout_.pfns + i * sizeof(std::uint64_t), pfns[i]);
  return magazine;
}

void FakeKernel::set_cpu(std::uint16_t cpu, unsigned order, KernelAddress loaded, KernelAddress prev) {
  const KernelAddress rcache_of_cpu =
      per_cpu_ + cpu * kArea + std::uint64_t{order} * layout_.cpu_rcache_bytes;
  put(rcache_of_cpu + layout_.loaded, loaded);
  put(rcache_of_cpu + layout_.prev, prev);
}

KernelAddress FakeKernel::push_depot(unsigned order, const Pfns& pfns) {
  const KernelAddress magazine = make_magazine(pfns);
  put(magazine + layout_.size, get(rcache(order) + layout_.depot));  // next, in the place of size
  put(rcache(order) + layout_.depot, magazine);
  const auto size = static_cast<std::uint32_t>(get(rcache(order) + layout_.depot_size));
  put32(rcache(order) + layout_.depot_size, size + 1);
  return magazine;
}

void FakeKernel::pop_depot(unsigned order) {
  const KernelAddress magazine = get(rcache(order) + layout_.depot);
  put(rcache(order) + layout_.depot, get(magazine + layout_.size));
  put(magazine + layout_.size, layout_.capacity);
  const auto size = static_cast<std::uint32_t>(get(rcache(order) + layout_.depot_size));
  put32(rcache(order) + layout_.depot_size, size - 1);
}

KernelAddress FakeKernel::build_subtree(const std::vector<KernelAddress>& nodes, std::size_t begin,
                                        std::size_t end, KernelAddress parent) {
  if (begin == end) return 0;
  const std::size_t middle = begin + (end - begin) / 2;
  const KernelAddress node = nodes[middle];
  put(node + layout_.parent, parent | (middle % 2 != 0 ? kRed : kBlack));
  put(node + layout_.left, build_subtree(nodes, begin, middle, node));
  put(node + layout_.right, build_subtree(nodes, middle + 1, end, node));
  return node;
}

std::vector<KernelAddress> FakeKernel::set_tree(const std::vector<TreeRange>& ranges) {
  std::vector<TreeRange> all = ranges;
  all.push_back({kAnchor, kAnchor});
  std::vector<KernelAddress> nodes;
  for (const TreeRange& range : all) {
    const KernelAddress iova = allocate(layout_.iova_bytes);
    put(iova + layout_.pfn_lo, range.lo);
    put(iova + layout_.pfn_hi, range.hi);
    nodes.push_back(iova + layout_.node);
  }
  put(domain_ + layout_.rbroot, build_subtree(nodes, 0, nodes.size(), 0));
  return nodes;
}

void FakeKernel::put_queue(KernelAddress queue, std::uint32_t head, std::uint32_t tail, std::uint32_t mask) {
  put32(queue + layout_.head, head);
  put32(queue + layout_.tail, tail);
  put32(queue + layout_.mod_mask, mask);
}

void FakeKernel::set_flush_queue(std::uint16_t cpu, std::uint32_t head, std::uint32_t tail,
                                 std::uint32_t mask) {
  put(cookie_ + layout_.percpu_fq, per_cpu_ - kArea + kQueueInArea);
  put32(cookie_ + layout_.qt, 0);
  put_queue(per_cpu_ + cpu * kArea + kQueueInArea, head, tail, mask);
}

void FakeKernel::set_single_flush_queue(std::uint32_t head, std::uint32_t tail, std::uint32_t mask) {
  const KernelAddress queue = allocate(layout_.fq_bytes);
  put(cookie_ + layout_.percpu_fq, queue);
  put32(cookie_ + layout_.qt, 1);
  put_queue(queue, head, tail, mask);
}

}  // namespace rcached
