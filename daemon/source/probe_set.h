// SPDX-License-Identifier: Apache-2.0
// ProbeSet: the BPF object of bpf/probes.bpf.c, loaded and attached according to an AttachPlan; owns programs, maps,
// rings and links. Also reads the kernel's statistics about them.
//
// Every link ends with its file descriptor: when the ProbeSet or the process is gone, nothing stays attached.
// Threads: one drains, one reads statistics, one walks the groups; they may do so at the same time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "bpf/event.h"
#include "bpf/state.h"
#include "daemon/host/cpus.h"
#include "daemon/host/kernel_types.h"
#include "daemon/source/attach_plan.h"
#include "daemon/source/ring.h"
#include "view/view.h"

struct probes_bpf;
struct bpf_link;
struct bpf_program;

namespace rcached {

class ProbeSet {
 public:
  // Called for every record; `cpu` is that of the ring.
  using Receiver = std::function<void(std::size_t cpu, const void* data, std::size_t size)>;

  struct Options {
    std::uint32_t ring_bytes = 0;  // per possible CPU; 0: automatic_ring_bytes()
    bool force_kprobes = false;
  };

  // Loads and attaches. A function whose trampoline the kernel refuses to attach (or to load, when it is not
  // required) is retried as a kprobe; one that is not required is left out when that is refused too.
  // Errors: permission, attach, internal.
  static Expected<std::unique_ptr<ProbeSet>> attach(const KernelTypes& types, const KernelLayout& layout,
                                                    const Kallsyms& symbols, const Options& options,
                                                    Receiver receiver);
  ~ProbeSet();
  ProbeSet(const ProbeSet&) = delete;
  ProbeSet& operator=(const ProbeSet&) = delete;

  const PossibleCpus& cpus() const { return cpus_; }
  const AttachPlan& plan() const { return plan_; }

  // Descriptors of the links, one per program.
  std::vector<int> links() const;

  // Passes the records that are in the rings when it begins to the receiver. False: one of them is not submitted yet, so
  // it and later records of its CPU are still missing.
  bool drain();

  // How full the rings were. Any thread.
  RingUse ring_use() const;

  // Removes calls whose return was missed; to be called from time to time. Returns how many.
  std::size_t remove_old_calls(std::uint64_t now_ns);

  // By CPU id, up to cpus().end(). Any thread.
  std::vector<rcached_cpu_stats> cpu_stats() const;
  std::vector<ProgramStatus> program_status() const;

  struct GroupWalk {
    std::vector<rcached_group> groups;
    bool complete = false;  // every group was found, and every read succeeded
  };
  // Runs the walk over all IOMMU groups in the kernel. Empty and not complete when the kernel hides them.
  GroupWalk walk_groups();

 private:
  struct Attached {
    const PlannedProgram* planned;
    ::bpf_program* program;
    ::bpf_link* link;
  };
  struct CpuRing {
    std::size_t cpu;
    Ring ring;
    std::uint64_t end;  // reserved when the drain began
  };

  explicit ProbeSet(Receiver receiver);
  // Returns the program that was refused, or nothing when all are attached.
  Expected<std::optional<PlannedProgram>> try_attach(const Options& options, const Kallsyms& symbols);
  Expected<void> make_rings(std::uint32_t ring_bytes);
  void find_active();
  bool is_entry_of_a_pair(const PlannedProgram& planned) const;
  void leave_out(const std::string& function);
  void release();

  Receiver receiver_;
  AttachPlan plan_;
  PossibleCpus cpus_;
  ::probes_bpf* skeleton_ = nullptr;
  std::vector<CpuRing> rings_;
  std::uint64_t ring_bytes_ = 0;
  std::atomic<std::uint64_t> ring_used_{0};  // of the fullest ring, at the last drain
  std::atomic<std::uint64_t> ring_highest_{0};
  std::vector<Attached> attached_;
  std::set<std::string> left_out_;  // functions whose attachment was refused and that are not required
};

}  // namespace rcached
