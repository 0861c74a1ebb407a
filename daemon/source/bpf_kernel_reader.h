// SPDX-License-Identifier: Apache-2.0
// BpfKernelReader: the KernelReader that uses the programs of bpf/reader.bpf.c, in a separate object: nothing is
// attached, every call runs one of them explicitly and reads the answer from mapped memory.
//
// An inconsistent attempt (Unread::changed) is repeated, up to kAttempts in all, before it is reported; a fault is
// reported immediately. Every attempt counts as a read in status(), timed with CLOCK_MONOTONIC.
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/error.h"
#include "bpf/reader.h"
#include "daemon/host/cpus.h"
#include "daemon/source/kernel_reader.h"

struct reader_bpf;
struct bpf_program;

namespace rcached {

class BpfKernelReader final : public KernelReader {
 public:
  static constexpr int kAttempts = 4;

  // The implementation of the tree walk; both give the same results.
  enum class TreeWalk {
    loop,    // works on every kernel; the verifier checks each iteration
    helper,  // bpf_loop(), since 5.17: loads faster
  };
  static TreeWalk best_tree_walk();

  // `per_cpu_offset` is the address of the kernel's __per_cpu_offset[]; without it (0) the magazines of CPUs
  // cannot be found, and load() fails. Errors: permission, unknown_layout, attach, internal.
  static Expected<std::unique_ptr<BpfKernelReader>> load(std::uint64_t per_cpu_offset,
                                                         TreeWalk tree_walk = best_tree_walk());
  static Expected<std::unique_ptr<BpfKernelReader>> load(std::uint64_t per_cpu_offset, PossibleCpus cpus,
                                                         TreeWalk tree_walk);
  ~BpfKernelReader() override;
  BpfKernelReader(const BpfKernelReader&) = delete;
  BpfKernelReader& operator=(const BpfKernelReader&) = delete;

  std::uint16_t possible_cpus() const override { return cpus_.end(); }
  Reading<DomainConstants> read_constants(std::uint64_t key) override;
  Reading<CpuContents> read_cpu(std::uint64_t key, std::uint16_t cpu) override;
  Reading<DepotSlice> read_depot(std::uint64_t key, std::uint8_t order, DepotCursor& cursor) override;
  Reading<TreeSlice> read_tree(std::uint64_t key, std::uint64_t from) override;
  Reading<TreeSlice> read_tree_at(std::uint64_t key, std::uint64_t pfn) override;
  Reading<std::optional<FlushQueueReading>> read_flush_queue(std::uint64_t key) override;
  ReaderStatus status() const override { return status_; }

 private:
  BpfKernelReader(::reader_bpf* skeleton, const ::bpf_program* tree_program, PossibleCpus cpus)
      : skeleton_(skeleton), tree_program_(tree_program), cpus_(std::move(cpus)) {}

  // Runs the program on this CPU, or on `cpu` if it is online. Returns an rcached_read_status.
  std::uint32_t run(const ::bpf_program* program, int cpu = -1);
  std::uint32_t run_cpu(std::uint16_t cpu);
  // `attempt` returns an rcached_read_status.
  template <typename Attempt>
  Reading<ReadingTime> try_reading(Attempt attempt);
  Reading<TreeSlice> walk_tree(std::uint64_t key, std::uint64_t from, std::uint32_t limit);
  // Also counts attempts that failed although the program ran successfully.
  void note(std::uint32_t status);

  ::reader_bpf* skeleton_;
  const ::bpf_program* tree_program_;
  PossibleCpus cpus_;
  ReaderStatus status_;
};

}  // namespace rcached
