// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "daemon/config/values.h"

namespace rcached {
namespace {

using std::chrono::milliseconds;

// `member` maps Config& to a reference to the value; get() uses it on a copy, so one lambda serves both ways.
template <typename Member>
ConfigKey boolean_key(std::string_view path, Member member) {
  return {path,
          "true or false",
          {},
          [member](Config& config, const std::string& text) {
            const auto value = parse_boolean(text);
            if (value) member(config) = *value;
            return value.has_value();
          },
          [member](Config config) { return std::string(member(config) ? "true" : "false"); }};
}

template <typename Member>
ConfigKey integer_key(std::string_view path, std::uint64_t low, std::uint64_t high, Member member) {
  const std::string wanted = high == std::numeric_limits<std::uint64_t>::max()
                                 ? fmt::format("an integer of at least {}", low)
                                 : fmt::format("an integer from {} to {}", low, high);
  return {path,
          wanted,
          {},
          [low, high, member](Config& config, const std::string& text) {
            const auto value = parse_integer(text);
            if (!value || *value < low || *value > high) return false;
            auto& target = member(config);
            target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
            return true;
          },
          [member](Config config) { return fmt::format("{}", member(config)); }};
}

template <typename Member>
ConfigKey duration_key(std::string_view path, milliseconds low, milliseconds high, Member member) {
  return {path,
          fmt::format("a duration from {} to {}, with the unit ms or s", format_duration(low),
                      format_duration(high)),
          {},
          [low, high, member](Config& config, const std::string& text) {
            const auto value = parse_duration(text);
            if (!value || *value < low || *value > high) return false;
            member(config) = *value;
            return true;
          },
          [member](Config config) { return format_duration(member(config)); }};
}

// A key that takes one of a few names.
template <typename Value, typename Member>
ConfigKey choice_key(std::string_view path, std::vector<std::pair<std::string_view, Value>> values,
                     Member member) {
  std::vector<std::string_view> names;
  names.reserve(values.size());
  for (const auto& entry : values) names.push_back(entry.first);
  return {path, fmt::format("one of {}", fmt::join(names, ", ")), names,
          [values, member](Config& config, const std::string& text) {
            for (const auto& [name, value] : values) {
              if (name != text) continue;
              member(config) = value;
              return true;
            }
            return false;
          },
          [values, member](Config config) {
            for (const auto& [name, value] : values) {
              if (value == member(config)) return std::string(name);
            }
            return std::string();
          }};
}

template <typename Member>
ConfigKey size_key(std::string_view path, std::uint64_t low, std::uint64_t high, Member member) {
  return {path,
          fmt::format("a size from {} to {}, with the unit KiB or MiB", format_size(low), format_size(high)),
          {},
          [low, high, member](Config& config, const std::string& text) {
            const auto value = parse_size(text);
            if (!value || *value < low || *value > high) return false;
            member(config) = *value;
            return true;
          },
          [member](Config config) { return format_size(member(config)); }};
}

bool is_absolute_path(const std::string& text) {
  return text.starts_with('/') && text.size() <= 1024 && printable(text).find("\\x") == std::string::npos;
}

// An absolute path that ends in `suffix`, or nothing, which is written as "".
template <typename Member>
ConfigKey optional_path_key(std::string_view path, std::string_view suffix, Member member) {
  const std::string wanted = suffix.empty()
                                 ? "an absolute path, or \"\" for none"
                                 : fmt::format("an absolute path that ends in {}, or \"\" for none", suffix);
  return {path,
          wanted,
          {},
          [suffix, member](Config& config, const std::string& text) {
            if (!text.empty() && (!is_absolute_path(text) || !text.ends_with(suffix))) return false;
            member(config) = text;
            return true;
          },
          [member](Config config) {
            const std::string& text = member(config);
            return text.empty() ? std::string("\"\"") : text;
          }};
}

ConfigKey ring_size_key() {
  constexpr std::uint64_t kLow = 64u << 10, kHigh = 256u << 20;
  return {"kernel.ring_size",
          fmt::format("a power of two from {} to {}, with the unit KiB or MiB", format_size(kLow),
                      format_size(kHigh)),
          {},
          [](Config& config, const std::string& text) {
            const auto value = parse_size(text);
            if (!value || *value < kLow || *value > kHigh || !std::has_single_bit(*value)) return false;
            config.kernel.ring_bytes = static_cast<std::uint32_t>(*value);
            return true;
          },
          [](const Config& config) { return format_size(config.kernel.ring_bytes); }};
}

ConfigKey listen_key() {
  return {"http.listen",
          "IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731",
          {},
          [](Config& config, const std::string& text) {
            if (!is_listen_address(text)) return false;
            config.http.listen = text;
            return true;
          },
          [](const Config& config) { return config.http.listen; }};
}

ConfigKey run_directory_key() {
  return {"run_directory",
          "an absolute path",
          {},
          [](Config& config, const std::string& text) {
            if (!is_absolute_path(text)) return false;
            config.run_directory = text;
            return true;
          },
          [](const Config& config) { return config.run_directory; }};
}

std::vector<ConfigKey> make_keys() {
  using namespace std::chrono_literals;
  std::vector<ConfigKey> keys;
  keys.push_back(choice_key<SourceKind>(
      "source", {{"kernel", SourceKind::kernel}, {"synthetic", SourceKind::synthetic}},
      [](Config & c) -> auto& { return c.source; }));
  keys.push_back(listen_key());
  keys.push_back(integer_key(
      "http.threads", 1, 64, [](Config & c) -> auto& { return c.http.threads; }));
  keys.push_back(integer_key(
      "http.streams", 0, 64, [](Config & c) -> auto& { return c.http.streams; }));
  keys.push_back(duration_key(
      "http.request_timeout", 1s, 120s, [](Config & c) -> auto& { return c.http.request_timeout; }));
  keys.push_back(size_key(
      "http.request_size", 2u << 10, 1u << 20, [](Config & c) -> auto& { return c.http.request_bytes; }));
  keys.push_back(integer_key(
      "http.rate", 0, 100'000, [](Config & c) -> auto& { return c.http.rate; }));
  keys.push_back(optional_path_key(
      "http.web_config", "", [](Config & c) -> auto& { return c.http.web_config; }));
  keys.push_back(ring_size_key());
  keys.push_back(choice_key<ProbeMethod>(
      "kernel.probes", {{"auto", ProbeMethod::automatic}, {"kprobe", ProbeMethod::kprobe}},
      [](Config & c) -> auto& { return c.kernel.probes; }));
  keys.push_back(boolean_key(
      "kernel.run_statistics", [](Config & c) -> auto& { return c.kernel.run_statistics; }));
  keys.push_back(duration_key(
      "pipeline.drain_interval", 1ms, 1s, [](Config & c) -> auto& { return c.pipeline.drain_interval; }));
  keys.push_back(duration_key(
      "pipeline.snapshot_interval", 100ms, 60s,
      [](Config & c) -> auto& { return c.pipeline.snapshot_interval; }));
  keys.push_back(boolean_key(
      "audit.enabled", [](Config & c) -> auto& { return c.audit.enabled; }));
  keys.push_back(duration_key(
      "audit.interval", 1s, 1h, [](Config & c) -> auto& { return c.audit.interval; }));
  keys.push_back(duration_key(
      "audit.budget", 1ms, 1s, [](Config & c) -> auto& { return c.audit.budget; }));
  keys.push_back(boolean_key(
      "metrics.per_cpu", [](Config & c) -> auto& { return c.metrics.per_cpu; }));
  keys.push_back(boolean_key(
      "metrics.per_magazine", [](Config & c) -> auto& { return c.metrics.per_magazine; }));
  keys.push_back(integer_key(
      "metrics.series_limit", 100, 10'000'000, [](Config & c) -> auto& { return c.metrics.series_limit; }));
  keys.push_back(size_key(
      "history.size", 64u << 10, 1u << 30, [](Config & c) -> auto& { return c.history.bytes; }));
  keys.push_back(optional_path_key(
      "textfile.path", ".prom", [](Config & c) -> auto& { return c.textfile.path; }));
  keys.push_back(duration_key(
      "textfile.interval", 1s, 1h, [](Config & c) -> auto& { return c.textfile.interval; }));
  keys.push_back(choice_key<KernelProfile>(
      "synthetic.generation",
      {{kProfile510.name, kProfile510}, {kProfile61.name, kProfile61}, {kProfile612.name, kProfile612}},
      [](Config & c) -> auto& { return c.synthetic.generation; }));
  keys.push_back(integer_key(
      "synthetic.domains", 1, 1000, [](Config & c) -> auto& { return c.synthetic.domains; }));
  keys.push_back(integer_key(
      "synthetic.cpus", 1, 1024, [](Config & c) -> auto& { return c.synthetic.cpus; }));
  keys.push_back(integer_key(
      "synthetic.rate", 1, 10'000'000, [](Config & c) -> auto& { return c.synthetic.rate; }));
  keys.push_back(integer_key(
      "synthetic.seed", 0, std::numeric_limits<std::uint64_t>::max(),
      [](Config & c) -> auto& { return c.synthetic.seed; }));
  std::vector<std::pair<std::string_view, WorkloadKind>> workloads;
  for (const WorkloadKind kind : {WorkloadKind::steady, WorkloadKind::spread, WorkloadKind::burst,
                                  WorkloadKind::leak, WorkloadKind::mixed}) {
    workloads.emplace_back(to_string(kind), kind);
  }
  keys.push_back(choice_key<WorkloadKind>(
      "synthetic.workload", std::move(workloads), [](Config & c) -> auto& { return c.synthetic.workload; }));
  keys.push_back(choice_key<LogLevel>(
      "log.level",
      {{"debug", LogLevel::debug},
       {"info", LogLevel::info},
       {"warning", LogLevel::warning},
       {"error", LogLevel::error}},
      [](Config & c) -> auto& { return c.log.level; }));
  keys.push_back(run_directory_key());
  return keys;
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

std::string format_config(const Config& config) {
  std::string out;
  std::string_view open_section;
  for (const ConfigKey& key : config_keys()) {
    const auto dot = key.path.find('.');
    if (dot == std::string_view::npos) {
      open_section = {};
      out += fmt::format("{}: {}\n", key.path, key.get(config));
      continue;
    }
    const std::string_view section = key.path.substr(0, dot);
    if (section != open_section) out += fmt::format("{}:\n", section);
    open_section = section;
    out += fmt::format("  {}: {}\n", key.path.substr(dot + 1), key.get(config));
  }
  return out;
}

}  // namespace rcached
