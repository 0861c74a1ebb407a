// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/pipeline_setup.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <vector>

#include "base/cpu_list.h"
#include "base/version.h"
#include "daemon/check/host_facts.h"
#include "daemon/config/values.h"
#include "daemon/host/kernel_types.h"
#include "daemon/host/reserved_regions.h"
#include "daemon/service/capabilities.h"
#include "daemon/source/kernel_source.h"
#include "daemon/source/synthetic_source.h"

namespace rcached {
namespace {

// The ranges that the kernel reserved in a group's domain, in pfns of the domain.
Auditor::ReservedReader make_reserved_reader(const KernelLayout& layout) {
  const bool bars_only = layout.iovad_in_dmar_domain && std::filesystem::exists("/sys/class/iommu/dmar0");
  return [bars_only, windows = read_host_bridge_windows()](int group, std::uint64_t granule_bytes) {
    std::vector<TreeRange> reserved;
    for (const AddressRange& range : read_reserved_regions(group, bars_only, windows).ranges) {
      reserved.push_back({range.first / granule_bytes, range.last / granule_bytes});
    }
    return reserved;
  };
}

PipelineOptions pipeline_options(const Config& config) {
  using std::chrono::system_clock;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch());
  PipelineOptions options;
  options.drain_interval = config.pipeline.drain_interval;
  options.snapshot_interval = config.pipeline.snapshot_interval;
  options.shards = config.pipeline.shards;
  options.version = RCACHED_VERSION;
  options.started_unix_s = static_cast<std::uint64_t>(now.count());
  options.tuning = pipeline_tuning(config);
  options.history_bytes = config.history.bytes;
  options.audit_enabled = config.audit.enabled;
  options.after_source_start = drop_capabilities;
  return options;
}

std::shared_ptr<Pipeline> make_synthetic_pipeline(const Config& config) {
  // sysfs does not list synthetic domains, and this host's groups do not belong to them.
  return std::make_shared<Pipeline>(
      make_synthetic_source(config.synthetic, monotonic_clock()), [] { return std::vector<IommuGroup>(); },
      pipeline_options(config));
}

}  // namespace

Expected<void> check_host(const Config& config) {
  if (config.source != SourceKind::kernel) return {};
  for (const CheckItem& item : {check_iommu(read_iommu_groups()), check_permission(read_privileges()),
                                check_lockdown(read_lockdown())}) {
    if (item.status == CheckStatus::fail) return tl::unexpected(item.error());
  }
  return {};
}

Expected<std::shared_ptr<Pipeline>> make_pipeline(const Config& config) {
  if (config.source == SourceKind::synthetic) return make_synthetic_pipeline(config);
  RCACHED_TRY(auto types, KernelTypes::load());
  RCACHED_TRY(const auto layout, types.layout());
  spdlog::debug("start: kernel types read");
  KernelSourceOptions source;
  source.ring_bytes = config.kernel.ring_bytes;
  source.force_kprobes = config.kernel.probes == ProbeMethod::kprobe;
  source.spare_cpus = parse_cpu_list(config.audit.spare_cpus, kCpuIds).value_or(std::vector<std::uint16_t>{});
  PipelineOptions options = pipeline_options(config);
  options.read_reserved = make_reserved_reader(layout);
  return std::make_shared<Pipeline>(
      make_kernel_source(std::move(types), layout, source), [] { return read_iommu_groups(); },
      std::move(options));
}

PipelineTuning pipeline_tuning(const Config& config) {
  PipelineTuning tuning;
  tuning.audit_interval = config.audit.interval;
  tuning.audit_budget = config.audit.budget;
  return tuning;
}

}  // namespace rcached
