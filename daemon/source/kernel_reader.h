// SPDX-License-Identifier: Apache-2.0
// KernelReader: reads the state of an IOVA domain out of the kernel's memory, without a probe on the hot
// path. Every call is one bounded chunk (one run of a BPF program by BPF_PROG_TEST_RUN), so that nobody waits
// long; the caller decides how many chunks a second it can afford.
//
// A domain is named by its key (DiscoveredDomain::key). A key whose domain is gone is not an error of the
// machine: reads fail or give nonsense that the checks below refuse, never a fault.
//
// What an answer promises:
//   * read_cpu runs on the CPU itself, when it is online, between two operations of that CPU (the kernel
//   changes
//     the magazines with interrupts off); an offline CPU is read from elsewhere. It is read twice and the two
//     agree, else Unread::changed.
//   * read_depot: a magazine in a depot does not change, it only leaves; sizes and links are checked before
//   and
//     after.
//   * read_tree: the ranges ascend, do not overlap, and the walk ended in the tree it began in. A tree that
//     was rebalanced under the walk may still hide ranges: what is missing must be asked for a second time.
//
// Threads: one, the pipeline's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <tl/expected.hpp>
#include "allocator/contents.h"
#include "view/view.h"

namespace rcached {

enum class Unread : std::uint8_t {
  changed,  // the structure changed under every attempt
  fault,    // a read failed or made no sense: most likely the domain is gone
};

template <typename T>
using Reading = tl::expected<T, Unread>;

// Constant as long as the domain lives, but for max32_alloc_size.
struct DomainConstants {
  std::uint64_t granule_bytes = 0;
  std::uint64_t start_pfn = 0;      // the lowest pfn that is ever given out
  std::uint64_t dma_32bit_pfn = 0;  // the first pfn above 4 GiB
};

// Ranges unmapped and waiting in the domain's flush queue.
struct FlushQueueReading {
  ReadingTime time;
  bool single_queue = false;          // >= 6.7, iommu.fq single queue: one for all CPUs
  std::uint64_t pending = 0;          // all queues
  std::vector<std::uint32_t> by_cpu;  // of every possible CPU; one element when single_queue
};

// Where a depot walk goes on. Give the one that the last slice came with; a new one begins.
struct DepotCursor {
  std::uint64_t next = 0;   // the reader's own
  std::uint32_t index = 0;  // the reader's own
  bool started = false;
  bool done = false;
};

class KernelReader {
 public:
  // Most that one chunk brings.
  static constexpr std::uint32_t kDepotChunk = 16;  // magazines

  virtual ~KernelReader() = default;

  // CPUs whose magazines exist: every possible one.
  virtual std::uint16_t possible_cpus() const = 0;

  virtual Reading<DomainConstants> read_constants(std::uint64_t key) = 0;
  virtual Reading<CpuContents> read_cpu(std::uint64_t key, std::uint16_t cpu) = 0;
  // Sets cursor.done with the last slice; an empty depot gives one empty slice.
  virtual Reading<DepotSlice> read_depot(std::uint64_t key, std::uint8_t order, DepotCursor& cursor) = 0;
  // The ranges from pfn `from` on, as many as a chunk holds. The slice's `to` is ~0 when it reaches the end,
  // else the last lo read; go on at to + 1.
  virtual Reading<TreeSlice> read_tree(std::uint64_t key, std::uint64_t from) = 0;
  // Whether a range begins at `pfn` now; a short walk for second looks.
  virtual Reading<TreeSlice> read_tree_at(std::uint64_t key, std::uint64_t pfn) = 0;
  // Only for domains that belong to an IOMMU group: where the queue is in the cookie around the domain
  // (>= 5.17), a domain of its own has none, and nobody can see that. nullopt: no flush queue (strict mode).
  virtual Reading<std::optional<FlushQueueReading>> read_flush_queue(std::uint64_t key) = 0;

  // What the reading has cost so far. budget fields are left to the caller.
  virtual ReaderStatus status() const = 0;
};

}  // namespace rcached
