// SPDX-License-Identifier: Apache-2.0
// FakeKernel: kernel structures of one IOVA domain, built by user space in kernel memory (a mapped BPF array)
// with the layout of the running kernel, so that the reader's programs can read them like real ones.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "allocator/contents.h"
#include "bpf/reader_feeder.h"

struct reader_feeder_bpf;

namespace rcached {

using KernelAddress = std::uint64_t;

class FakeKernel {
 public:
  static constexpr std::uint64_t kGranule = 4096;
  static constexpr std::uint16_t kCpus = 12;  // at least; they need not exist on this host

  // Null if BPF is not permitted here; unusable if the structures of this kernel are older than 6.7.
  static std::unique_ptr<FakeKernel> make();
  ~FakeKernel();
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  bool usable() const { return layout_.domain_bytes != 0; }
  const fake_layout& layout() const { return layout_; }
  // An array like __per_cpu_offset[].
  KernelAddress per_cpu_offset() const { return per_cpu_offset_; }
  // An empty domain: no ranges except the anchor, no magazines, no flush queue.
  KernelAddress domain() const { return domain_; }

  KernelAddress allocate(std::size_t bytes);
  void put(KernelAddress at, std::uint64_t value);
  void put32(KernelAddress at, std::uint32_t value);
  std::uint64_t get(KernelAddress at) const;

  // Magazines.
  KernelAddress make_magazine(const Pfns& pfns);
  void set_cpu(std::uint16_t cpu, unsigned order, KernelAddress loaded, KernelAddress prev);
  KernelAddress push_depot(unsigned order, const Pfns& pfns);
  void pop_depot(unsigned order);

  // The tree: these ranges and the anchor, balanced. Returns the address of each range's rb_node.
  std::vector<KernelAddress> set_tree(const std::vector<TreeRange>& ranges);

  // Flush queues of `mask` + 1 entries.
  void set_flush_queue(std::uint16_t cpu, std::uint32_t head, std::uint32_t tail, std::uint32_t mask);
  void set_single_flush_queue(std::uint32_t head, std::uint32_t tail, std::uint32_t mask);

 private:
  explicit FakeKernel(::reader_feeder_bpf* feeder);
  void build_domain();
  KernelAddress rcache(unsigned order) const {
    return rcaches_ + std::uint64_t{order} * layout_.rcache_bytes;
  }
  KernelAddress build_subtree(const std::vector<KernelAddress>& nodes, std::size_t begin, std::size_t end,
                              KernelAddress parent);
  void put_queue(KernelAddress queue, std::uint32_t head, std::uint32_t tail, std::uint32_t mask);

  ::reader_feeder_bpf* feeder_;
  fake_layout layout_{};
  std::size_t used_ = 0;
  KernelAddress per_cpu_offset_ = 0;
  KernelAddress per_cpu_ = 0;  // area of CPU 0
  KernelAddress cookie_ = 0;
  KernelAddress domain_ = 0;
  KernelAddress rcaches_ = 0;
};

}  // namespace rcached
