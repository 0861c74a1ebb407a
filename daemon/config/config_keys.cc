// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_keys.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/config/key_kinds.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

using Keys = std::vector<ConfigKey>;

void add_http(Keys& keys) {
  keys.push_back(text_key(
      "http.listen",
      "where HTTP is served; without `http.web_config` there is no authentication, so keep it on loopback",
      "IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731", listen_address_pattern(), is_listen_address,
      [](Config & c) -> auto& { return c.http.listen; }));
  keys.push_back(integer_key(
      "http.threads", "requests answered at once", 1, 64,
      [](Config & c) -> auto& { return c.http.threads; }));
  keys.push_back(integer_key(
      "http.streams",
      "besides: live pages and terminals kept up to date at once; one more is answered with 503", 0, 64,
      [](Config & c) -> auto& { return c.http.streams; }));
  keys.push_back(duration_key(
      "http.request_timeout", "for a client to send its request, and to take each piece of the answer", 1s,
      120s, [](Config & c) -> auto& { return c.http.request_timeout; }));
  keys.push_back(size_key(
      "http.request_size", "most that request line and headers may take", 2u << 10, 1u << 20,
      [](Config & c) -> auto& { return c.http.request_bytes; }));
  keys.push_back(integer_key(
      "http.rate", "most requests answered in a second, over all clients; 0: no limit", 0, 100'000,
      [](Config & c) -> auto& { return c.http.rate; }));
  keys.push_back(optional_path_key(
      "http.web_config", "basic authentication, headers and TLS, in the Prometheus exporters' format", "",
      [](Config & c) -> auto& { return c.http.web_config; }));
}

void add_kernel(Keys& keys) {
  keys.push_back(automatic_size_key(
      "kernel.ring_size",
      "ring buffer of each possible CPU; `auto`: 256MiB shared out, from 256KiB to 4MiB each", 64u << 10,
      256u << 20, [](Config & c) -> auto& { return c.kernel.ring_bytes; }));
  keys.push_back(choice_key<ProbeMethod>(
      "kernel.probes", "`auto`: fentry/fexit where the kernel has them, kprobes elsewhere",
      {{"auto", ProbeMethod::automatic}, {"kprobe", ProbeMethod::kprobe}},
      [](Config & c) -> auto& { return c.kernel.probes; }));
  keys.push_back(boolean_key(
      "kernel.run_statistics",
      "have the kernel time all BPF programs of the host; takes CAP_SYS_ADMIN, without it a warning",
      [](Config & c) -> auto& { return c.kernel.run_statistics; }));
}

void add_pipeline_and_audit(Keys& keys) {
  keys.push_back(duration_key(
      "pipeline.drain_interval", "how often events are taken out of the rings", 1ms, 1s,
      [](Config & c) -> auto& { return c.pipeline.drain_interval; }));
  keys.push_back(duration_key(
      "pipeline.snapshot_interval",
      "how often a new snapshot is published; at least 1s where the drain interval is over 100ms", 100ms, 60s,
      [](Config & c) -> auto& { return c.pipeline.snapshot_interval; }));
  keys.push_back(boolean_key(
      "audit.enabled",
      "read the allocator's state out of kernel memory at the start, on a schedule and after a loss; count "
      "and repair differences",
      [](Config & c) -> auto& { return c.audit.enabled; }));
  keys.push_back(reloadable(duration_key(
      "audit.interval", "how often every domain is compared with the kernel", 1s, 1h,
      [](Config & c) -> auto& { return c.audit.interval; })));
  keys.push_back(reloadable(duration_key(
      "audit.budget", "most time spent reading kernel memory in each second", 1ms, 1s,
      [](Config & c) -> auto& { return c.audit.budget; })));
}

void add_outputs(Keys& keys) {
  keys.push_back(reloadable(boolean_key(
      "metrics.per_cpu", "series for each CPU besides the sums",
      [](Config & c) -> auto& { return c.metrics.per_cpu; })));
  keys.push_back(reloadable(boolean_key(
      "metrics.per_magazine", "series for the loaded and prev magazine of each CPU and order",
      [](Config & c) -> auto& { return c.metrics.per_magazine; })));
  keys.push_back(reloadable(integer_key(
      "metrics.series_limit",
      "most series of a scrape; what is over it is left out, the most detailed first, never what alerts need",
      100, 10'000'000, [](Config & c) -> auto& { return c.metrics.series_limit; })));
  keys.push_back(size_key(
      "history.size", "memory for the last hour of every domain", 64u << 10, 1u << 30,
      [](Config & c) -> auto& { return c.history.bytes; }));
  keys.push_back(optional_path_key(
      "textfile.path", "also write the metrics there, for node_exporter's textfile collector", ".prom",
      [](Config & c) -> auto& { return c.textfile.path; }));
  keys.push_back(reloadable(duration_key(
      "textfile.interval", "how often", 1s, 1h, [](Config & c) -> auto& { return c.textfile.interval; })));
}

void add_synthetic(Keys& keys) {
  keys.push_back(choice_key<KernelProfile>(
      "synthetic.generation", "which kernel is simulated: up to 5.19, 6.0 to 6.6, from 6.7",
      {{kProfile510.name, kProfile510}, {kProfile61.name, kProfile61}, {kProfile612.name, kProfile612}},
      [](Config & c) -> auto& { return c.synthetic.generation; }));
  keys.push_back(integer_key(
      "synthetic.domains", "simulated domains", 1, 1000,
      [](Config & c) -> auto& { return c.synthetic.domains; }));
  keys.push_back(integer_key(
      "synthetic.cpus", "simulated CPUs", 1, 1024, [](Config & c) -> auto& { return c.synthetic.cpus; }));
  keys.push_back(integer_key(
      "synthetic.rate", "operations a second, all domains together", 1, 10'000'000,
      [](Config & c) -> auto& { return c.synthetic.rate; }));
  keys.push_back(integer_key(
      "synthetic.seed", "the same seed gives the same operations", 0,
      std::numeric_limits<std::uint64_t>::max(), [](Config & c) -> auto& { return c.synthetic.seed; }));
  std::vector<std::pair<std::string_view, WorkloadKind>> workloads;
  for (const WorkloadKind kind : {WorkloadKind::steady, WorkloadKind::spread, WorkloadKind::burst,
                                  WorkloadKind::leak, WorkloadKind::mixed}) {
    workloads.emplace_back(to_string(kind), kind);
  }
  keys.push_back(choice_key<WorkloadKind>(
      "synthetic.workload", "what the simulated load looks like", std::move(workloads),
      [](Config & c) -> auto& { return c.synthetic.workload; }));
}

Keys make_keys() {
  Keys keys;
  keys.push_back(choice_key<SourceKind>(
      "source", "where events come from: the probes, or a simulated allocator",
      {{"kernel", SourceKind::kernel}, {"synthetic", SourceKind::synthetic}},
      [](Config & c) -> auto& { return c.source; }));
  add_http(keys);
  add_kernel(keys);
  add_pipeline_and_audit(keys);
  add_outputs(keys);
  add_synthetic(keys);
  keys.push_back(reloadable(choice_key<LogLevel>(
      "log.level", "least important line that is logged",
      {{"debug", LogLevel::debug},
       {"info", LogLevel::info},
       {"warning", LogLevel::warning},
       {"error", LogLevel::error}},
      [](Config & c) -> auto& { return c.log.level; })));
  keys.push_back(text_key(
      "run_directory",
      "holds the lock that keeps a second rcached off the kernel, and the socket `control` that `rcached "
      "audit` asks",
      fmt::format("an absolute path of at most {} ASCII characters", kLongestSocketDirectory),
      socket_directory_pattern(), is_socket_directory, [](Config & c) -> auto& { return c.run_directory; }));
  return keys;
}

// The part of `path` under `section`, when it is directly in it or leads through it.
std::optional<std::string_view> child_name(std::string_view path, std::string_view section) {
  if (!section.empty()) {
    if (!path.starts_with(section) || path.size() <= section.size() || path[section.size()] != '.')
      return std::nullopt;
    path.remove_prefix(section.size() + 1);
  }
  return path.substr(0, path.find('.'));
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

std::optional<std::size_t> find_config_key(std::string_view path) {
  const auto& keys = config_keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].path == path) return i;
  }
  return std::nullopt;
}

std::vector<std::string_view> names_in_section(std::string_view section) {
  std::vector<std::string_view> names;
  for (const ConfigKey& key : config_keys()) {
    const auto name = child_name(key.path, section);
    if (name && std::find(names.begin(), names.end(), *name) == names.end()) names.push_back(*name);
  }
  return names;
}

}  // namespace rcached
