// SPDX-License-Identifier: Apache-2.0
// Config: everything an operator can set, with its defaults. config_keys.h has the table of the keys,
// loaded_config.h reads files, and config_docs.h generates config/rcached.yaml and the reference. Plain value
// type.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "allocator/kernel_profile.h"
#include "allocator/workload.h"

namespace rcached {

enum class SourceKind : std::uint8_t { kernel, synthetic };
enum class ProbeMethod : std::uint8_t { automatic, kprobe };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct Config {
  SourceKind source = SourceKind::kernel;
  struct Http {
    std::string listen = "127.0.0.1:9731";  // IPv4 address or localhost, and a port
    unsigned threads = 8;                   // requests answered at once
    unsigned streams = 8;                   // in addition: pages that are kept up to date
    std::chrono::milliseconds request_timeout{10'000};
    std::uint64_t request_bytes = 16u << 10;  // request line and headers
    unsigned rate = 0;                        // requests a second; 0: no limit
    std::string web_config;                   // path of a file in the exporter-toolkit's format; empty: none
    friend bool operator==(const Http&, const Http&) = default;
  } http;
  struct Kernel {
    std::uint32_t ring_bytes = 0;  // per CPU; a power of two. 0: by the number of CPUs
    ProbeMethod probes = ProbeMethod::automatic;
    bool run_statistics = false;
    friend bool operator==(const Kernel&, const Kernel&) = default;
  } kernel;
  struct Pipeline {
    std::chrono::milliseconds drain_interval{10};
    std::chrono::milliseconds snapshot_interval{1000};
    unsigned shards = 1;
    friend bool operator==(const Pipeline&, const Pipeline&) = default;
  } pipeline;
  // Comparing the mirror with kernel memory.
  struct Audit {
    bool enabled = true;
    std::chrono::milliseconds interval{60'000};  // every domain once
    std::chrono::milliseconds budget{50};        // of reading, per second
    std::string spare_cpus;                      // a CPU list as in values.h, or empty
    friend bool operator==(const Audit&, const Audit&) = default;
  } audit;
  struct Metrics {
    bool per_cpu = false;
    bool per_magazine = false;
    std::uint64_t series_limit = 50'000;
    friend bool operator==(const Metrics&, const Metrics&) = default;
  } metrics;
  struct History {
    std::uint64_t bytes = 16u << 20;
    friend bool operator==(const History&, const History&) = default;
  } history;
  // For node_exporter's textfile collector.
  struct Textfile {
    std::string path;  // ends in .prom; empty: none is written
    std::chrono::milliseconds interval{15'000};
    friend bool operator==(const Textfile&, const Textfile&) = default;
  } textfile;
  struct Synthetic {
    KernelProfile generation = kProfile61;
    unsigned domains = 4;
    unsigned cpus = 8;
    unsigned rate = 50'000;  // operations a second, all domains together
    std::uint64_t seed = 1;
    WorkloadKind workload = WorkloadKind::mixed;
    friend bool operator==(const Synthetic&, const Synthetic&) = default;
  } synthetic;
  struct Log {
    LogLevel level = LogLevel::info;
    friend bool operator==(const Log&, const Log&) = default;
  } log;
  std::string run_directory = "/run/rcached";

  friend bool operator==(const Config&, const Config&) = default;
};

// The only rule over two keys: if events are read less often than every 100ms, snapshots are published at
// most once a second.
inline constexpr std::chrono::milliseconds kMaxDrainOfShortSnapshots{100};
inline constexpr std::chrono::milliseconds kMinSnapshotOfLongDrains{1000};

}  // namespace rcached
