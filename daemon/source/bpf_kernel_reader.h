// SPDX-License-Identifier: Apache-2.0
// BpfKernelReader: the KernelReader that uses the programs of bpf/reader.bpf.c, in a separate object: nothing is
// attached, every call runs one of them explicitly and reads the answer from mapped memory.
//
// An inconsistent attempt (Unread::changed) is repeated, up to kAttempts in all, before it is reported; a fault is
// reported immediately. Every attempt counts as a read in status(), timed with CLOCK_MONOTONIC.
//
// CPUs to be spared (isolated ones and so on) are not interrupted: the kernel gets no function call for them, and the
// thread that reads keeps off them (its CPU affinity is changed), because a program runs where its caller is. Which ones
// they are is asked again every kSparedRefresh.
//
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

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
  // Of a CPU that is read from another one. Its two readings are kRemoteGap apart.
  static constexpr int kRemoteAttempts = 16;
  static constexpr std::chrono::microseconds kRemoteGap{20};
  static constexpr std::chrono::seconds kSparedRefresh{10};

  // The CPUs that must not be interrupted, ascending.
  using SparedCpus = std::function<std::vector<std::uint16_t>()>;

  // The implementation of the tree walk; both give the same results.
  enum class TreeWalk {
    loop,    // works on every kernel; the verifier checks each iteration
    helper,  // bpf_loop(), since 5.17: loads faster
  };
  static TreeWalk best_tree_walk();

  // `per_cpu_offset` is the address of the kernel's __per_cpu_offset[]; without it (0) the magazines of CPUs
  // cannot be found, and load() fails. Errors: permission, unknown_layout, attach, internal.
  static Expected<std::unique_ptr<BpfKernelReader>> load(std::uint64_t per_cpu_offset,
                                                         TreeWalk tree_walk = best_tree_walk(),
                                                         SparedCpus spared = {});
  static Expected<std::unique_ptr<BpfKernelReader>> load(std::uint64_t per_cpu_offset, PossibleCpus cpus,
                                                         TreeWalk tree_walk, SparedCpus spared = {});
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
  BpfKernelReader(::reader_bpf* skeleton, const ::bpf_program* tree_program, PossibleCpus cpus,
                  SparedCpus spared)
      : skeleton_(skeleton),
        tree_program_(tree_program),
        cpus_(std::move(cpus)),
        read_spared_(std::move(spared)) {}

  // Runs the program on this CPU. Returns an rcached_read_status.
  std::uint32_t run(const ::bpf_program* program);
  template <typename Call>
  std::uint32_t timed(Call call);
  // The same on `cpu`; nullopt: it is offline.
  std::optional<std::uint32_t> run_on(const ::bpf_program* program, std::uint16_t cpu);
  // These two return an rcached_read_status, too.
  std::uint32_t read_cpu_there(std::uint16_t cpu, bool& offline);
  std::uint32_t read_cpu_from_here();
  // Asks which CPUs must not be interrupted, and keeps off them.
  void refresh_spared();
  // `attempt` returns an rcached_read_status.
  template <typename Attempt>
  Reading<ReadingTime> try_reading(Attempt attempt, int attempts = kAttempts);
  Reading<TreeSlice> walk_tree(std::uint64_t key, std::uint64_t from, std::uint32_t limit);
  // Also counts attempts that failed although the program ran successfully.
  void note(std::uint32_t status);

  ::reader_bpf* skeleton_;
  const ::bpf_program* tree_program_;
  PossibleCpus cpus_;
  SparedCpus read_spared_;
  std::vector<std::uint16_t> spared_;
  std::uint64_t next_refresh_ns_ = 0;
  ReaderStatus status_;
};

}  // namespace rcached
