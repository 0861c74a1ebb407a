// SPDX-License-Identifier: Apache-2.0
// KernelReader: reads the state of an IOVA domain from kernel memory, without a probe on the hot path. Every call
// reads one bounded chunk (one run of a BPF program by BPF_PROG_TEST_RUN), so that no call takes long; the caller
// decides how many chunks per second it can afford.
//
// A domain is identified by its key (DiscoveredDomain::key). Reading a domain that is gone is safe: the read fails,
// or returns invalid data that the checks below reject.
//
// Guarantees:
//   * read_cpu runs on the CPU itself, if it is online, between two operations of that CPU (the kernel changes
//     the magazines with interrupts off). It is read twice and both readings agree, else Unread::changed. An offline
//     CPU, and one that must not be interrupted, is read from another one: twice in this way, some microseconds apart,
//     and all four readings agree. That is marked (CpuContents::remote).
//   * read_depot: a magazine in a depot does not change, it can only be removed; sizes and links are checked
//     before and after.
//   * read_tree: the ranges ascend, do not overlap, and the walk ended in the tree in which it began. If the tree
//     was rebalanced during the walk, ranges may be missing: read these again.
//
// Threads: one, the auditor's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <tl/expected.hpp>
#include "allocator/contents.h"
#include "view/view.h"

namespace rcached {

enum class Unread : std::uint8_t {
  changed,  // the structure changed during every attempt
  fault,    // a read failed or returned invalid data: most likely the domain is gone
};

template <typename T>
using Reading = tl::expected<T, Unread>;

// Constant for the lifetime of the domain.
struct DomainConstants {
  std::uint64_t granule_bytes = 0;
  std::uint64_t start_pfn = 0;      // the lowest pfn that can be allocated
  std::uint64_t dma_32bit_pfn = 0;  // the first pfn above 4 GiB
};

// Ranges unmapped and waiting in the domain's flush queue.
struct FlushQueueReading {
  ReadingTime time;
  bool single_queue = false;          // >= 6.7, iommu.fq single queue: one for all CPUs
  std::uint64_t pending = 0;          // all queues
  std::vector<std::uint32_t> by_cpu;  // by CPU id, up to possible_cpus(); one element when single_queue
};

// The position of a depot walk. Pass the cursor of the last slice; a new cursor starts a walk.
struct DepotCursor {
  std::uint64_t next = 0;   // internal to the reader
  std::uint32_t index = 0;  // internal to the reader
  bool started = false;
  bool done = false;
};

class KernelReader {
 public:
  // The maximum of one chunk.
  static constexpr std::uint32_t kDepotChunk = 16;  // magazines

  virtual ~KernelReader() = default;

  // The end of the CPU ids: the highest possible one + 1. Ids below it that are not possible have no magazines.
  virtual std::uint16_t possible_cpus() const = 0;

  virtual Reading<DomainConstants> read_constants(std::uint64_t key) = 0;
  virtual Reading<CpuContents> read_cpu(std::uint64_t key, std::uint16_t cpu) = 0;
  // Sets cursor.done with the last slice; an empty depot gives one empty slice.
  virtual Reading<DepotSlice> read_depot(std::uint64_t key, std::uint8_t order, DepotCursor& cursor) = 0;
  // The ranges from pfn `from` on, as many as fit into a chunk. The slice's `to` is ~0 at the end of the tree,
  // else the last lo read; continue at to + 1.
  virtual Reading<TreeSlice> read_tree(std::uint64_t key, std::uint64_t from) = 0;
  // Whether a range begins at `pfn` now; a short walk for rechecks.
  virtual Reading<TreeSlice> read_tree_at(std::uint64_t key, std::uint64_t pfn) = 0;
  // Only for domains of an IOMMU group: since 5.17 the queue is in the cookie that contains the domain, and a
  // domain without a cookie cannot be recognized. nullopt: no flush queue (strict mode).
  virtual Reading<std::optional<FlushQueueReading>> read_flush_queue(std::uint64_t key) = 0;

  // The cost of reading so far. The caller sets the budget fields.
  virtual ReaderStatus status() const = 0;
};

}  // namespace rcached
