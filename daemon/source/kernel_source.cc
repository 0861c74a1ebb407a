// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/kernel_source.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/monotonic_clock.h"
#include "daemon/host/cpus.h"
#include "daemon/host/kallsyms.h"
#include "daemon/source/bpf_kernel_reader.h"
#include "daemon/source/call_table.h"
#include "daemon/source/event_merger.h"
#include "daemon/source/probe_check.h"
#include "daemon/source/probe_set.h"
#include "daemon/source/ring.h"

namespace rcached {
namespace {

std::uint32_t online_cpus() { return static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN)); }

class KernelSource final : public EventSource {
 public:
  KernelSource(KernelTypes types, const KernelLayout& layout, const KernelSourceOptions& options)
      : types_(std::move(types)), layout_(layout), options_(options) {}

  Expected<void> start() override {
    RCACHED_TRY(const auto symbols, Kallsyms::load());
    spdlog::debug("start: kernel symbols read");
    if (symbols.addresses_hidden())
      return fail(ErrorCode::permission,
                  "the kernel hides its symbol addresses from this process (/proc/kallsyms shows zeros)",
                  "run as root or with CAP_SYSLOG, and set kernel.kptr_restrict to 0 or 1");
    // Loading is slow because of the kernel's verifier: load the reader in parallel with the probes.
    const auto per_cpu_offset = symbols.find("__per_cpu_offset");
    auto reader =
        std::async(std::launch::async, [offset = per_cpu_offset ? per_cpu_offset->address : 0, this] {
          return BpfKernelReader::load(offset, BpfKernelReader::best_tree_walk(),
                                       [chosen = options_.spare_cpus] { return spared_cpus(chosen); });
        });
    auto probes = ProbeSet::attach(
        *types_, layout_, symbols, {options_.ring_bytes, options_.force_kprobes},
        [this](std::size_t cpu, const void* data, std::size_t size) { receive(cpu, data, size); });
    types_.reset();
    if (!probes) return tl::unexpected<Error>(probes.error());
    probes_ = std::move(*probes);
    received_ = std::vector<std::atomic<std::uint64_t>>(probes_->cpus().end());
    cpu_nodes_ = read_numa_nodes();
    for (const auto& function : probes_->plan().absent)
      spdlog::warn("the kernel function {} cannot be traced here; its data is unavailable", function);
    spdlog::debug("start: probes attached");
    attach_probe_check();
    take_reader(reader.get());
    spdlog::debug("start: reader of kernel memory loaded");
    return {};
  }

  std::uint64_t poll(const EventSink& sink, std::uint64_t limit_ns) override {
    const std::uint64_t begin = monotonic_now_ns();
    watermark_.drained(begin, probes_->drain());
    if (watermark_.gave_up())
      spdlog::warn("a CPU has not submitted an event for a second; continuing without it");
    const std::uint64_t until = std::min(watermark_.until_ns(), limit_ns);
    merger_.take_until(until, sink);
    late_ = merger_.late();
    oldest_ns_ = merger_.oldest_ns();
    return until;
  }

  void flush(const EventSink& sink) override {
    probes_->drain();
    merger_.take_until(std::numeric_limits<std::uint64_t>::max(), sink);
    late_ = merger_.late();
    oldest_ns_ = 0;
  }

  LostEvents lost() const override {
    LostEvents lost;
    for (const rcached_cpu_stats& cpu : probes_->cpu_stats()) {
      // The parts after the sum: one that is lost meanwhile counts as of an unknown domain, not as none.
      lost.total += cpu.ring_full + cpu.entry_missing;
      for (std::size_t i = 0; i < lost.by_bucket.size(); ++i) lost.by_bucket[i] += cpu.ring_full_by_bucket[i];
    }
    return lost;
  }

  std::vector<DiscoveredDomain> discover() override {
    std::vector<DiscoveredDomain> result;
    const ProbeSet::GroupWalk walk = probes_->walk_groups();
    discovery_complete_ = walk.complete;
    for (const rcached_group& group : walk.groups) {
      if (group.domain == 0) continue;
      DiscoveredDomain domain;
      domain.key = group.domain;
      domain.group = group.group;
      domain.granule_bytes = group.granule_bytes;
      result.push_back(std::move(domain));
    }
    return result;
  }

  bool discovery_complete() const override { return discovery_complete_; }

  SourceStatus status() override {
    SourceStatus result;
    remove_old_calls(monotonic_now_ns());
    const auto stats = probes_->cpu_stats();
    for (const std::uint16_t cpu : probes_->cpus().ids)
      result.cpus.push_back({cpu, stats[cpu].sent, received_[cpu].load(std::memory_order_relaxed),
                             stats[cpu].ring_full, stats[cpu].entry_missing});
    result.programs = probes_->program_status();
    result.malformed = malformed_;
    result.late = late_;
    const std::uint64_t oldest = oldest_ns_;
    result.rings = probes_->ring_use();
    const std::uint64_t now = monotonic_now_ns();
    result.lag_ns = oldest != 0 && now > oldest ? now - oldest : 0;
    result.silence = silence(now);
    return result;
  }

  KernelInfo kernel_info() const override {
    utsname name{};
    uname(&name);
    return {name.release, layout_.profile, online_cpus(), cpu_nodes_};
  }

  KernelReader* reader() override { return reader_.get(); }

  std::vector<int> links() const override {
    std::vector<int> result = probes_->links();
    if (probe_check_) std::ranges::copy(probe_check_->links(), std::back_inserter(result));
    return result;
  }

  std::string name() const override { return "kernel"; }

 private:
  void take_reader(Expected<std::unique_ptr<BpfKernelReader>> reader) {
    if (reader)
      reader_ = std::move(*reader);
    else
      spdlog::warn("{}; {}. The mirror is not audited against kernel memory", reader.error().message,
                   reader.error().hint);
  }

  void attach_probe_check() {
    ProbeCheck::Kinds kinds;
    for (const PlannedProgram& planned : probes_->plan().programs) {
      (is_trampoline(planned.method) ? kinds.fentry : kinds.kprobe) = true;
    }
    auto test = ProbeCheck::attach(kinds);
    if (test) {
      probe_check_ = std::move(*test);
    } else {
      spdlog::warn("{}; {}. It will not be noticed if the kernel stops running the probes",
                   test.error().message, test.error().hint);
    }
  }

  // The last known result of the probe check; at most one test in kProbeCheckGap.
  const std::optional<TracingFault>& silence(std::uint64_t now_ns) {
    if (probe_check_ && now_ns >= next_probe_check_ns_) {
      next_probe_check_ns_ = now_ns + kProbeCheckGap;
      const auto result = probe_check_->run();
      if (result)
        silence_ = *result;
      else if (!probe_check_refused_)
        spdlog::warn("{}; {}. The last result stays", result.error().message, result.error().hint);
      probe_check_refused_ = !result;
    }
    return silence_;
  }

  void remove_old_calls(std::uint64_t now_ns) {
    if (now_ns < next_call_removal_ns_) return;
    next_call_removal_ns_ = now_ns + kCallRemovalGap;
    if (const std::size_t removed = probes_->remove_old_calls(now_ns); removed != 0)
      spdlog::debug("{} calls of traced functions have not returned in {} s; their returns were missed",
                    removed, kLongestCall / 1'000'000'000);
  }

  void receive(std::size_t cpu, const void* data, std::size_t size) {
    // Only this thread writes it.
    received_[cpu].store(received_[cpu].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    rcached_event event{};
    if (size < sizeof(event)) {
      ++malformed_;
      return;
    }
    std::memcpy(&event, data, sizeof(event));
    merger_.add(event);
  }

  static constexpr std::uint64_t kProbeCheckGap = 1'000'000'000;    // ns
  static constexpr std::uint64_t kCallRemovalGap = 10'000'000'000;  // ns

  std::optional<KernelTypes> types_;  // large; freed at the start
  const KernelLayout layout_;
  const KernelSourceOptions options_;
  std::unique_ptr<ProbeCheck> probe_check_;  // null: not possible
  std::uint64_t next_probe_check_ns_ = 0;
  std::uint64_t next_call_removal_ns_ = 0;
  bool probe_check_refused_ = false;  // the last test run
  std::optional<TracingFault> silence_;
  std::unique_ptr<ProbeSet> probes_;
  std::unique_ptr<BpfKernelReader> reader_;  // null: could not be loaded
  bool discovery_complete_ = false;
  EventMerger merger_;
  std::vector<std::atomic<std::uint64_t>> received_;
  std::vector<std::int16_t> cpu_nodes_;
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> late_{0};
  std::atomic<std::uint64_t> oldest_ns_{0};  // 0: none is held back
  DrainWatermark watermark_;
};

}  // namespace

std::unique_ptr<EventSource> make_kernel_source(KernelTypes types, const KernelLayout& layout,
                                                const KernelSourceOptions& options) {
  return std::make_unique<KernelSource>(std::move(types), layout, options);
}

}  // namespace rcached
