// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/nearest.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

struct About {
  std::string_view description;
  std::string_view detail = {};
};

// Makes a `Member`: maps Config& to a reference to the value. get() uses it on a copy, so that one serves
// both ways.
#define MEMBER(name) ([](Config & config) -> auto& { return config.name; })

// --- one maker for each kind of value

ConfigKey make_key(std::string_view path, const About& about, ConfigKey::Kind kind) {
  ConfigKey key{path, about.description, about.detail};
  key.kind = kind;
  return key;
}

template <typename Member>
ConfigKey boolean_key(std::string_view path, const About& about, Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::boolean);
  key.wanted = "true or false";
  key.choices = {"true", "false"};
  key.set = [member](Config& config, const std::string& text) {
    const auto value = parse_boolean(text);
    if (value) member(config) = *value;
    return value.has_value();
  };
  key.get = [member](Config config) { return std::string(member(config) ? "true" : "false"); };
  return key;
}

// A number that `parse` reads from its text and that is from `low` to `high`.
template <typename Number, typename Parse, typename Member>
auto bounded_setter(Number low, Number high, Parse parse, Member member) {
  return [=](Config& config, const std::string& text) {
    const auto value = parse(text);
    if (!value || *value < low || *value > high) return false;
    auto& target = member(config);
    target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
    return true;
  };
}

template <typename Member>
ConfigKey integer_key(std::string_view path, const About& about, std::uint64_t low, std::uint64_t high,
                      Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::integer);
  key.wanted = high == std::numeric_limits<std::uint64_t>::max()
                   ? fmt::format("an integer from {} to 2^64-1", low)
                   : fmt::format("an integer from {} to {}", low, high);
  key.low = low;
  key.high = high;
  key.set = bounded_setter(low, high, parse_integer, member);
  key.get = [member](Config config) { return fmt::format("{}", member(config)); };
  return key;
}

template <typename Member>
ConfigKey duration_key(std::string_view path, const About& about, std::chrono::milliseconds low,
                       std::chrono::milliseconds high, Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::text);
  key.wanted = fmt::format("a duration from {} to {}, with the unit ms or s", format_duration(low),
                           format_duration(high));
  key.pattern = "(0|[1-9][0-9]*)(ms|s)";
  key.set = bounded_setter(low, high, parse_duration, member);
  key.get = [member](Config config) { return format_duration(member(config)); };
  return key;
}

template <typename Member>
ConfigKey size_key(std::string_view path, const About& about, std::uint64_t low, std::uint64_t high,
                   Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::text);
  key.wanted =
      fmt::format("a size from {} to {}, with the unit KiB or MiB", format_size(low), format_size(high));
  key.pattern = "(0|[1-9][0-9]*)(KiB|MiB)";
  key.set = bounded_setter(low, high, parse_size, member);
  key.get = [member](Config config) { return format_size(member(config)); };
  return key;
}

// A power of two, or "auto", which is 0.
template <typename Member>
ConfigKey automatic_size_key(std::string_view path, const About& about, std::uint64_t low, std::uint64_t high,
                             Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::text);
  key.wanted = fmt::format("auto, or a power of two from {} to {}, with the unit KiB or MiB",
                           format_size(low), format_size(high));
  key.choices = {"auto"};
  for (std::uint64_t size = low; size <= high; size *= 2) {
    key.choices.push_back(fmt::format("{}KiB", size >> 10));
    if (size >= 1u << 20) key.choices.push_back(fmt::format("{}MiB", size >> 20));
  }
  key.set = [member, choices = key.choices](Config& config, const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) return false;
    auto& target = member(config);
    target = static_cast<std::remove_reference_t<decltype(target)>>(parse_size(text).value_or(0));
    return true;
  };
  key.get = [member](Config config) {
    const auto value = member(config);
    return value == 0 ? std::string("auto") : format_size(value);
  };
  return key;
}

// One of a few names.
template <typename Value, typename Member>
ConfigKey choice_key(std::string_view path, const About& about,
                     std::vector<std::pair<std::string_view, Value>> values, Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::choice);
  for (const auto& entry : values) key.choices.emplace_back(entry.first);
  key.wanted = fmt::format("one of {}", fmt::join(key.choices, ", "));
  key.set = [values, member](Config& config, const std::string& text) {
    for (const auto& [name, value] : values) {
      if (name != text) continue;
      member(config) = value;
      return true;
    }
    return false;
  };
  key.get = [values, member](Config config) {
    for (const auto& [name, value] : values) {
      if (value == member(config)) return std::string(name);
    }
    return std::string();
  };
  return key;
}

// A text that `accepts` accepts, kept as it is.
template <typename Accepts, typename Member>
ConfigKey text_key(std::string_view path, const About& about, std::string wanted, std::string pattern,
                   Accepts accepts, Member member) {
  ConfigKey key = make_key(path, about, ConfigKey::Kind::text);
  key.wanted = std::move(wanted);
  key.pattern = std::move(pattern);
  key.set = [accepts, member](Config& config, const std::string& text) {
    if (!accepts(text)) return false;
    member(config) = text;
    return true;
  };
  key.get = [member](Config config) { return std::string(member(config)); };
  return key;
}

ConfigKey with_max_characters(std::size_t limit, ConfigKey key) {
  key.max_characters = limit;
  return key;
}

// An absolute path that ends in `suffix`, or nothing, which is written as "".
template <typename Member>
ConfigKey optional_path_key(std::string_view path, const About& about, std::string_view suffix,
                            Member member) {
  std::string literal;
  for (const char c : suffix) literal += c == '.' ? std::string("\\.") : std::string(1, c);
  return with_max_characters(
      kMaxPathCharacters,
      text_key(
          path, about,
          suffix.empty() ? "an absolute path, or \"\" for none"
                         : fmt::format("an absolute path that ends in {}, or \"\" for none", suffix),
          fmt::format("(/[^\\u0000-\\u001f\\u007f-\\u009f]*{})?", literal),  // no control characters
          [suffix](const std::string& text) {
            return text.empty() || (is_absolute_path(text) && text.ends_with(suffix));
          },
          member));
}

// A list of CPUs, or nothing, which is written as "". A single id is an integer to other readers of YAML.
template <typename Member>
ConfigKey cpu_list_key(std::string_view path, const About& about, Member member) {
  ConfigKey key = text_key(
      path, about,
      fmt::format("a list of CPUs such as 2-3,8, with ids from 0 to {}, or \"\" for none", kCpuIds - 1),
      "(id(-id)?(,id(-id)?)*)?", [](const std::string& text) { return text.empty() || is_cpu_list(text); },
      member);
  for (std::size_t at = 0; (at = key.pattern.find("id", at)) != std::string::npos;)
    key.pattern.replace(at, 2, "(0|[1-9][0-9]*)");
  key.may_be_integer = true;
  return key;
}

ConfigKey reloadable(ConfigKey key) {
  key.reloadable = true;
  return key;
}

// --- the table

std::vector<ConfigKey> make_keys() {
  std::vector<std::pair<std::string_view, WorkloadKind>> workloads;
  for (const WorkloadKind kind : {WorkloadKind::steady, WorkloadKind::spread, WorkloadKind::burst,
                                  WorkloadKind::leak, WorkloadKind::mixed}) {
    workloads.emplace_back(to_string(kind), kind);
  }
  return {
      choice_key<SourceKind>("source",
                             {"where events come from: the probes, or a simulated allocator",
                              "`synthetic` needs neither root nor an IOMMU."},
                             {{"kernel", SourceKind::kernel}, {"synthetic", SourceKind::synthetic}},
                             MEMBER(source)),

      text_key("http.listen",
               {"address and port of the HTTP server; without `http.web_config` there is no authentication, "
                "so keep it on loopback",
                "`localhost` is accepted as an address."},
               "IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731",
               "(localhost|(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}):[1-9][0-9]{0,4}",
               is_listen_address, MEMBER(http.listen)),
      integer_key("http.threads", {"most requests that are answered at the same time"}, 1, 64,
                  MEMBER(http.threads)),
      integer_key("http.streams",
                  {"most live pages and terminals that are kept up to date at the same time, in addition to "
                   "`http.threads`; further ones get 503"},
                  0, 64, MEMBER(http.streams)),
      duration_key("http.request_timeout",
                   {"how long a client may take to send its request, and to receive each piece of the "
                    "response"},
                   1s, 120s, MEMBER(http.request_timeout)),
      size_key("http.request_size", {"largest request line and headers together"}, 2u << 10, 1u << 20,
               MEMBER(http.request_bytes)),
      integer_key(
          "http.rate",
          {"most requests answered per second, over all clients; 0: no limit", "Requests above it get 429."},
          0, 100'000, MEMBER(http.rate)),
      optional_path_key("http.web_config",
                        {"file with basic authentication, headers and TLS, in the format of the Prometheus "
                         "exporters",
                         "It is read again when it changes. config/web.yaml is an example."},
                        "", MEMBER(http.web_config)),

      automatic_size_key("kernel.ring_size",
                         {"size of the ring buffer of each possible CPU; `auto`: 256MiB divided among them, "
                          "256KiB to 4MiB each",
                          "Larger rings absorb longer bursts; events that do not fit are lost and counted in "
                          "rcached_events_lost_total. 4MiB hold about 65,000 events."},
                         64u << 10, 256u << 20, MEMBER(kernel.ring_bytes)),
      choice_key<ProbeMethod>(
          "kernel.probes",
          {"how to attach: `auto` uses fentry/fexit where the kernel has them and kprobes elsewhere"},
          {{"auto", ProbeMethod::automatic}, {"kprobe", ProbeMethod::kprobe}}, MEMBER(kernel.probes)),
      boolean_key("kernel.run_statistics",
                  {"have the kernel time all BPF programs of the host; needs CAP_SYS_ADMIN (without it, a "
                   "warning is logged)",
                   "The result is rcached_program_run_*. It costs some tens of nanoseconds for every run of "
                   "every BPF program."},
                  MEMBER(kernel.run_statistics)),

      duration_key("pipeline.drain_interval",
                   {"how often events are read from the ring buffers", "The probes never wake the daemon."},
                   1ms, 1s, MEMBER(pipeline.drain_interval)),
      duration_key("pipeline.snapshot_interval",
                   {"how often a new snapshot is published; at least 1s if the drain interval is over 100ms",
                    "What a scrape gets is no older than this (with gzip and under load, up to 2s older)."},
                   100ms, 60s, MEMBER(pipeline.snapshot_interval)),

      integer_key("pipeline.shards",
                  {"threads that apply events; the domains are divided among them",
                   "One applies several million events per second. More are of use if rcached_backlog_events "
                   "grows."},
                  1, 16, MEMBER(pipeline.shards)),

      boolean_key("audit.enabled",
                  {"read the allocator's state from kernel memory at the start, on a schedule and after a "
                   "loss; count and repair differences"},
                  MEMBER(audit.enabled)),
      reloadable(duration_key("audit.interval", {"how often every domain is compared with the kernel"}, 1s,
                              1h, MEMBER(audit.interval))),
      reloadable(duration_key("audit.budget",
                              {"most time per second spent reading kernel memory",
                               "The only effect of a small budget is that the audit of a large host takes "
                               "longer."},
                              1ms, 1s, MEMBER(audit.budget))),
      cpu_list_key("audit.spare_cpus",
                   {"CPUs that are never interrupted to read their magazines, in addition to isolated and "
                    "nohz_full ones",
                    "Their magazines are read from another CPU, twice, so that under load a reading may have "
                    "to be repeated."},
                   MEMBER(audit.spare_cpus)),

      reloadable(boolean_key("metrics.per_cpu",
                             {"also export series for each CPU", "These are many on a large host."},
                             MEMBER(metrics.per_cpu))),
      reloadable(boolean_key("metrics.per_magazine",
                             {"also export series for the loaded and prev magazines of each CPU and order",
                              "These are very many on a large host."},
                             MEMBER(metrics.per_magazine))),
      reloadable(integer_key("metrics.series_limit",
                             {"most series in a scrape; above it, the most detailed metrics are left out "
                              "first, and never those that alerts use",
                              "rcached_series_dropped and the log report what was left out."},
                             100, 10'000'000, MEMBER(metrics.series_limit))),

      size_key("history.size",
               {"memory for the history of the last hour of all domains",
                "The live page draws it. Domains that do not fit have no history."},
               64u << 10, 1u << 30, MEMBER(history.bytes)),

      optional_path_key("textfile.path",
                        {"also write the metrics to this file, for node_exporter's textfile collector",
                         "For hosts where no additional port is allowed. Use the collector's directory, e.g. "
                         "/var/lib/prometheus/node-exporter/rcached.prom. The file is replaced as a whole."},
                        ".prom", MEMBER(textfile.path)),
      reloadable(duration_key("textfile.interval", {"how often the file is written"}, 1s, 1h,
                              MEMBER(textfile.interval))),

      choice_key<KernelProfile>(
          "synthetic.generation",
          {"which kernels to simulate: up to 5.19, 6.0 to 6.6, or 6.7 and later",
           "All keys of this section are used only with `source: synthetic`."},
          {{kProfile510.name, kProfile510}, {kProfile61.name, kProfile61}, {kProfile612.name, kProfile612}},
          MEMBER(synthetic.generation)),
      integer_key("synthetic.domains", {"number of simulated domains"}, 1, 1000, MEMBER(synthetic.domains)),
      integer_key("synthetic.cpus", {"number of simulated CPUs"}, 1, 1024, MEMBER(synthetic.cpus)),
      integer_key("synthetic.rate", {"operations per second, over all domains"}, 1, 10'000'000,
                  MEMBER(synthetic.rate)),
      integer_key("synthetic.seed", {"the same seed gives the same operations"}, 0,
                  std::numeric_limits<std::uint64_t>::max(), MEMBER(synthetic.seed)),
      choice_key<WorkloadKind>("synthetic.workload", {"kind of load to simulate"}, std::move(workloads),
                               MEMBER(synthetic.workload)),

      reloadable(choice_key<LogLevel>("log.level", {"least severe messages to log"},
                                      {{"debug", LogLevel::debug},
                                       {"info", LogLevel::info},
                                       {"warning", LogLevel::warning},
                                       {"error", LogLevel::error}},
                                      MEMBER(log.level))),

      with_max_characters(
          kMaxSocketDirectoryBytes,
          text_key("run_directory",
                   {"directory of the lock that keeps a second rcached from tracing, and of the socket "
                    "`control` that `rcached audit` uses",
                    "It is created if it is missing."},
                   fmt::format("an absolute path of at most {} ASCII characters", kMaxSocketDirectoryBytes),
                   "/[ -~]*", is_socket_directory, MEMBER(run_directory))),
  };
}

#undef MEMBER

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

std::optional<std::string> suggest_value(const ConfigKey& key, const std::string& text) {
  constexpr std::size_t kMaxLength = 64;  // a longer text is not a misspelling
  if (text.empty() || text.starts_with('/') || text.size() > kMaxLength) return std::nullopt;
  Config scratch;
  for (const std::string& candidate : other_spellings(text)) {
    if (!candidate.empty() && key.set(scratch, candidate)) return candidate;
  }
  if (key.kind == ConfigKey::Kind::text) return std::nullopt;  // of numbers, the nearest text is not near
  if (const auto near = nearest(text, {key.choices.begin(), key.choices.end()})) return std::string(*near);
  return std::nullopt;
}

std::string value_hint(const ConfigKey& key, const std::string& text) {
  std::string hint = fmt::format("write {}", key.wanted);
  if (const auto meant = suggest_value(key, text))
    hint += fmt::format("; did you mean '{}'?", printable(*meant));
  return hint;
}

}  // namespace rcached
