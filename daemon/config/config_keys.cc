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
      "address and port of the HTTP server; without `http.web_config` there is no authentication, so keep it "
      "on loopback",
      "IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731", listen_address_pattern(), is_listen_address,
      [](Config & c) -> auto& { return c.http.listen; }));
  keys.push_back(integer_key(
      "http.threads", "most requests that are answered at the same time", 1, 64,
      [](Config & c) -> auto& { return c.http.threads; }));
  keys.push_back(integer_key(
      "http.streams",
      "most live pages and terminals that are kept up to date at the same time, in addition to "
      "`http.threads`; further ones get 503",
      0, 64, [](Config & c) -> auto& { return c.http.streams; }));
  keys.push_back(duration_key(
      "http.request_timeout",
      "how long a client may take to send its request, and to receive each piece of the response", 1s, 120s,
      [](Config & c) -> auto& { return c.http.request_timeout; }));
  keys.push_back(size_key(
      "http.request_size", "largest request line and headers together", 2u << 10, 1u << 20,
      [](Config & c) -> auto& { return c.http.request_bytes; }));
  keys.push_back(integer_key(
      "http.rate", "most requests answered per second, over all clients; 0: no limit", 0, 100'000,
      [](Config & c) -> auto& { return c.http.rate; }));
  keys.push_back(optional_path_key(
      "http.web_config",
      "file with basic authentication, headers and TLS, in the format of the Prometheus exporters", "",
      [](Config & c) -> auto& { return c.http.web_config; }));
}

void add_kernel(Keys& keys) {
  keys.push_back(automatic_size_key(
      "kernel.ring_size",
      "size of the ring buffer of each possible CPU; `auto`: 256MiB divided among them, 256KiB to 4MiB each",
      64u << 10, 256u << 20, [](Config & c) -> auto& { return c.kernel.ring_bytes; }));
  keys.push_back(choice_key<ProbeMethod>(
      "kernel.probes",
      "how to attach: `auto` uses fentry/fexit where the kernel has them and kprobes elsewhere",
      {{"auto", ProbeMethod::automatic}, {"kprobe", ProbeMethod::kprobe}},
      [](Config & c) -> auto& { return c.kernel.probes; }));
  keys.push_back(boolean_key(
      "kernel.run_statistics",
      "have the kernel time all BPF programs of the host; needs CAP_SYS_ADMIN (without it, a warning is "
      "logged)",
      [](Config & c) -> auto& { return c.kernel.run_statistics; }));
}

void add_pipeline_and_audit(Keys& keys) {
  keys.push_back(duration_key(
      "pipeline.drain_interval", "how often events are read from the ring buffers", 1ms, 1s,
      [](Config & c) -> auto& { return c.pipeline.drain_interval; }));
  keys.push_back(duration_key(
      "pipeline.snapshot_interval",
      "how often a new snapshot is published; at least 1s if the drain interval is over 100ms", 100ms, 60s,
      [](Config & c) -> auto& { return c.pipeline.snapshot_interval; }));
  keys.push_back(boolean_key(
      "audit.enabled",
      "read the allocator's state from kernel memory at the start, on a schedule and after a loss; count and "
      "repair differences",
      [](Config & c) -> auto& { return c.audit.enabled; }));
  keys.push_back(reloadable(duration_key(
      "audit.interval", "how often every domain is compared with the kernel", 1s, 1h,
      [](Config & c) -> auto& { return c.audit.interval; })));
  keys.push_back(reloadable(duration_key(
      "audit.budget", "most time per second spent reading kernel memory", 1ms, 1s,
      [](Config & c) -> auto& { return c.audit.budget; })));
}

void add_outputs(Keys& keys) {
  keys.push_back(reloadable(boolean_key(
      "metrics.per_cpu", "also export series for each CPU",
      [](Config & c) -> auto& { return c.metrics.per_cpu; })));
  keys.push_back(reloadable(boolean_key(
      "metrics.per_magazine", "also export series for the loaded and prev magazines of each CPU and order",
      [](Config & c) -> auto& { return c.metrics.per_magazine; })));
  keys.push_back(reloadable(integer_key(
      "metrics.series_limit",
      "most series in a scrape; above it, the most detailed metrics are left out first, and never those that "
      "alerts use",
      100, 10'000'000, [](Config & c) -> auto& { return c.metrics.series_limit; })));
  keys.push_back(size_key(
      "history.size", "memory for the history of the last hour of all domains", 64u << 10, 1u << 30,
      [](Config & c) -> auto& { return c.history.bytes; }));
  keys.push_back(optional_path_key(
      "textfile.path", "also write the metrics to this file, for node_exporter's textfile collector", ".prom",
      [](Config & c) -> auto& { return c.textfile.path; }));
  keys.push_back(reloadable(duration_key(
      "textfile.interval", "how often the file is written", 1s, 1h,
      [](Config & c) -> auto& { return c.textfile.interval; })));
}

void add_synthetic(Keys& keys) {
  keys.push_back(choice_key<KernelProfile>(
      "synthetic.generation", "which kernels to simulate: up to 5.19, 6.0 to 6.6, or 6.7 and later",
      {{kProfile510.name, kProfile510}, {kProfile61.name, kProfile61}, {kProfile612.name, kProfile612}},
      [](Config & c) -> auto& { return c.synthetic.generation; }));
  keys.push_back(integer_key(
      "synthetic.domains", "number of simulated domains", 1, 1000,
      [](Config & c) -> auto& { return c.synthetic.domains; }));
  keys.push_back(integer_key(
      "synthetic.cpus", "number of simulated CPUs", 1, 1024,
      [](Config & c) -> auto& { return c.synthetic.cpus; }));
  keys.push_back(integer_key(
      "synthetic.rate", "operations per second, over all domains", 1, 10'000'000,
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
      "synthetic.workload", "kind of load to simulate", std::move(workloads),
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
      "log.level", "least severe messages to log",
      {{"debug", LogLevel::debug},
       {"info", LogLevel::info},
       {"warning", LogLevel::warning},
       {"error", LogLevel::error}},
      [](Config & c) -> auto& { return c.log.level; })));
  keys.push_back(text_key(
      "run_directory",
      "directory of the lock that keeps a second rcached from tracing, and of the socket `control` that "
      "`rcached audit` uses",
      fmt::format("an absolute path of at most {} ASCII characters", kLongestSocketDirectory),
      socket_directory_pattern(), is_socket_directory, [](Config & c) -> auto& { return c.run_directory; }));
  return keys;
}

// The next part of `path` below `section`, if `path` is in it.
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
