// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/synthetic_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "allocator/workload.h"
#include "base/error.h"
#include "base/monotonic_clock.h"
#include "daemon/source/translate.h"

namespace rcached {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kGranuleBytes = 4096;
// Limit per poll: a rate that is too high for this machine must not lengthen the rounds of the pipeline.
constexpr std::uint64_t kMaxCallsAtOnce = 100'000;
constexpr unsigned kCpusOfTwoNodes = 16;  // this many or more CPUs are split into two NUMA nodes

// Keys only need to differ and not to be 0.
std::uint64_t key_of(std::uint32_t domain) { return domain + 1; }

class SyntheticSource final : public EventSource {
 public:
  SyntheticSource(const Config::Synthetic& options, NanosecondClock clock)
      : options_(options), clock_(std::move(clock)), sent_(options.cpus) {}

  Expected<void> start() override {
    WorkloadOptions workload;
    workload.kind = options_.workload;
    workload.domains = options_.domains;
    workload.cpus = static_cast<std::uint16_t>(options_.cpus);
    workload.seed = options_.seed;
    workload.start_ns = clock_();
    workload.step_ns = kSecond / options_.rate;
    workload_.emplace(options_.generation, workload,
                      [this](std::uint32_t domain, const Operation& operation) { add(domain, operation); });
    return {};
  }

  // The limit is for sources whose memory is read.
  std::uint64_t poll(const EventSink& sink, std::uint64_t /*limit_ns*/) override {
    const std::uint64_t step = workload_->options().step_ns;
    const std::uint64_t done_until = workload_->now_ns() + skipped_ns_;
    const std::uint64_t now = std::max(clock_(), done_until);
    const std::uint64_t most = std::clamp<std::uint64_t>(kSecond / step, 1, kMaxCallsAtOnce);
    std::uint64_t calls = (now - done_until) / step;
    if (calls > most) {
      skipped_ns_ += (calls - most) * step;
      calls = most;
    }
    calls_ += calls;
    workload_->step(calls);
    sink(pending_);
    pending_.clear();
    return now;
  }

  // It holds nothing back, and there is no need to make more.
  void flush(const EventSink& /*sink*/) override {}

  LostEvents lost() const override { return {}; }

  std::vector<DiscoveredDomain> discover() override {
    std::vector<DiscoveredDomain> domains;
    for (std::uint32_t i = 0; i < options_.domains; ++i) {
      DiscoveredDomain domain;
      domain.key = key_of(i);
      domain.group = static_cast<int>(i + 1);
      domain.granule_bytes = kGranuleBytes;
      domain.type = "DMA";
      domain.devices = fmt::format("synthetic{}", i);
      domain.driver = "synthetic";
      domain.iommu = "synthetic";
      domains.push_back(std::move(domain));
    }
    return domains;
  }

  SourceStatus status() override {
    SourceStatus status;
    for (std::size_t cpu = 0; cpu < sent_.size(); ++cpu) {
      const std::uint64_t sent = sent_[cpu].load(std::memory_order_relaxed);
      status.cpus.push_back({.cpu = static_cast<std::uint16_t>(cpu), .sent = sent, .received = sent});
    }
    ProgramStatus program;
    program.function = "workload";
    program.method = "synthetic";
    program.runs = calls_;
    status.programs.push_back(std::move(program));
    return status;
  }

  KernelInfo kernel_info() const override {
    KernelInfo info{.release = "synthetic", .profile = options_.generation, .online_cpus = options_.cpus};
    const unsigned per_node = options_.cpus < kCpusOfTwoNodes ? options_.cpus : (options_.cpus + 1) / 2;
    for (unsigned cpu = 0; cpu < options_.cpus; ++cpu) {
      info.cpu_nodes.push_back(static_cast<std::int16_t>(cpu / per_node));
    }
    return info;
  }
  std::string name() const override { return "synthetic"; }

 private:
  // The simulator has no durations: a search takes longer in a larger tree, freeing a magazine per pfn.
  std::optional<std::uint64_t> plausible_duration_ns(const Operation& operation, std::uint32_t domain) const {
    const std::uint64_t spread = (operation.pfn * 0x9e3779b97f4a7c15u) >> 60;  // 0 to 15, depends on the pfn
    if (operation.kind == OperationKind::tree_alloc) {
      return 150 + 60 * std::bit_width(workload_->simulator(domain).tree_ranges()) * (spread + 1) / 4;
    }
    if (operation.kind == OperationKind::magazine_free) return 1500 + operation.size * (60 + 10 * spread);
    return std::nullopt;
  }

  void add(std::uint32_t domain, const Operation& operation) {
    rcached_event event = to_event(operation, key_of(domain), kGranuleBytes);
    event.time_ns += skipped_ns_;
    if (operation.duration_ns == 0) event.arg = plausible_duration_ns(operation, domain).value_or(event.arg);
    sent_[event.cpu].fetch_add(1, std::memory_order_relaxed);
    pending_.push_back(event);
  }

  const Config::Synthetic options_;
  const NanosecondClock clock_;
  std::optional<Workload> workload_;
  std::vector<rcached_event> pending_;
  std::vector<std::atomic<std::uint64_t>> sent_;  // by CPU
  std::atomic<std::uint64_t> calls_{0};
  std::uint64_t skipped_ns_ = 0;  // time missed while stopped; the workload's own time has no gaps
};

}  // namespace

NanosecondClock monotonic_clock() { return monotonic_now_ns; }

std::unique_ptr<EventSource> make_synthetic_source(const Config::Synthetic& options, NanosecondClock clock) {
  return std::make_unique<SyntheticSource>(options, std::move(clock));
}

}  // namespace rcached
