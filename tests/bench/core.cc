// SPDX-License-Identifier: Apache-2.0
// `make bench-core`: what an event costs from the bytes in the rings to the published View, on hosts of several sizes.
// The events are made before the clock starts, and the first of them, which build the state up, are not counted.
#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocator/mirror.h"
#include "allocator/workload.h"
#include "daemon/pipeline/chronicle.h"
#include "daemon/pipeline/input_log.h"
#include "daemon/pipeline/reading_gate.h"
#include "daemon/pipeline/view_maker.h"
#include "daemon/source/event_merger.h"
#include "daemon/source/translate.h"

namespace rcached::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDrainNs = 10'000'000;
constexpr std::uint64_t kRate = 2'000'000;  // calls per second of stream time

struct Host {
  std::uint32_t domains = 8;
  std::uint16_t cpus = 64;

  // Mappings of a CPU in a domain.
  std::uint32_t live() const { return places() > 100'000 ? 8 : 32; }
  std::uint64_t places() const { return std::uint64_t{domains} * cpus; }
  // Calls until the state no longer grows.
  std::uint64_t warm_calls() const { return places() * live() * 3; }
  std::uint64_t calls() const { return 3'000'000; }
};

// What the rings of a host would hold, one after the other.
class Recording final : public EventSource {
 public:
  explicit Recording(const Host& host) : host_(host), rings_(host.cpus) {
    WorkloadOptions options;
    options.kind = WorkloadKind::steady;
    options.domains = host.domains;
    options.cpus = host.cpus;
    options.live = host.live();
    options.step_ns = kSecond / kRate;
    options.start_ns = kSecond;
    Workload workload(kProfile612, options, [this](std::uint32_t domain, const Operation& operation) {
      Ring& ring = rings_[operation.cpu];
      rcached_event event = to_event(operation, key(domain), 4096);
      event.time_ns = time_ = std::max<std::uint64_t>(time_ + 1, operation.time_ns);
      ring.events.push_back(event);
      ++events_;
    });
    workload.step(host.warm_calls());
    warm_ns_ = time_;
    events_ = 0;
    workload.step(host.calls());
  }

  // The events after this time count.
  std::uint64_t warm_ns() const { return warm_ns_; }

  std::uint64_t events() const { return events_; }
  std::uint64_t end_ns() const { return time_; }
  void rewind() {
    for (Ring& ring : rings_) ring.next = 0;
    until_ns_ = 0;
    merger_ = EventMerger();
  }

  Expected<void> start() override { return {}; }
  // As KernelSource: the records of each ring into the merger, and out of it up to the begin of the last drain.
  std::uint64_t poll(const EventSink& sink, std::uint64_t now_ns) override {
    for (Ring& ring : rings_) {
      for (; ring.next < ring.events.size() && ring.events[ring.next].time_ns <= now_ns; ++ring.next)
        merger_.add(ring.events[ring.next]);
    }
    const std::uint64_t until = std::exchange(until_ns_, now_ns);
    merger_.take_until(until, sink);
    return until;
  }
  void flush(const EventSink& sink) override {
    poll(sink, time_);
    poll(sink, time_);
  }
  std::vector<DiscoveredDomain> discover() override { return {}; }
  LostEvents lost() const override { return {}; }
  SourceStatus status() override {
    SourceStatus status;
    status.cpus.resize(host_.cpus);
    return status;
  }
  KernelInfo kernel_info() const override { return {"bench", kProfile612, host_.cpus}; }
  std::string name() const override { return "bench"; }

 private:
  struct Ring {
    std::vector<rcached_event> events;
    std::size_t next = 0;
  };
  static std::uint64_t key(std::uint32_t domain) {
    return 0xffff888000000000 + std::uint64_t{domain} * 0x2c0;
  }

  const Host host_;
  std::vector<Ring> rings_;
  EventMerger merger_;
  std::uint64_t time_ = 0;
  std::uint64_t warm_ns_ = 0;
  std::uint64_t until_ns_ = 0;
  std::uint64_t events_ = 0;
};

std::uint64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

// CPU time of the parts, summed up.
struct Cost {
  std::uint64_t log = 0;      // rings, order, ids: the drain thread
  std::uint64_t apply = 0;    // the shards
  std::uint64_t publish = 0;  // snapshots and Views
  std::uint64_t longest_drain = 0;
  std::uint64_t predictions = 0, hits = 0;
  std::uint64_t sum() const { return log + apply + publish; }
};

Cost run(Recording& recording) {
  recording.rewind();
  InputLog log(recording, 1, false);
  Mirror mirror(kProfile612);
  ViewMaker maker(recording);
  Chronicle chronicle(16u << 20, std::chrono::milliseconds(1000));
  Cost cost;
  std::uint64_t next_tick = 2 * kSecond;
  std::uint64_t last_ns = 0;
  const auto part = [&](std::uint64_t& sum) {
    const std::uint64_t now = cpu_ns();
    const std::uint64_t spent = now - std::exchange(last_ns, now);
    sum += spent;
    return spent;
  };
  for (std::uint64_t now = kSecond; now <= recording.end_ns() + 2 * kDrainNs; now += kDrainNs) {
    const bool tick = now >= next_tick;
    if (now < recording.warm_ns() + 2 * kDrainNs) cost = {};
    last_ns = cpu_ns();
    if (tick) log.request_tick();
    log.drain(now, now);
    cost.longest_drain = std::max(cost.longest_drain, part(cost.log));
    mirror.apply(log.batches()[0]);
    log.batches()[0].clear();
    part(cost.apply);
    if (!tick) continue;
    next_tick += kSecond;
    (void)maker.look();
    std::vector<SnapshotPart> parts;
    parts.push_back({mirror.snapshot(), mirror.infos()});
    View view = maker.make(std::move(parts), log.status(), {}, 0);
    chronicle.complete(view, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(now)));
    part(cost.publish);
  }
  for (const DomainSnapshot& domain : mirror.snapshot().domains) {
    cost.predictions += domain.prediction.predictions;
    cost.hits += domain.prediction.hits;
  }
  return cost;
}

// Wall time of `shards` threads that apply the same stream, divided among them.
double shards_ms(Recording& recording, std::size_t shards) {
  recording.rewind();
  InputLog log(recording, shards, false);
  std::vector<std::unique_ptr<Mirror>> mirrors;
  for (std::size_t i = 0; i < shards; ++i) mirrors.push_back(std::make_unique<Mirror>(kProfile612));
  for (std::uint64_t now = kSecond; now <= recording.end_ns() + 2 * kDrainNs; now += kDrainNs) {
    log.drain(now, now);
    if (now >= recording.warm_ns()) continue;
    for (std::size_t i = 0; i < shards; ++i) {
      mirrors[i]->apply(log.batches()[i]);
      log.batches()[i].clear();
    }
  }
  std::barrier start(static_cast<std::ptrdiff_t>(shards) + 1);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < shards; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      mirrors[i]->apply(log.batches()[i]);
    });
  }
  start.arrive_and_wait();
  const auto begin = std::chrono::steady_clock::now();
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

nlohmann::ordered_json measure(const Host& host, int repetitions, bool shards) {
  Recording recording(host);
  Cost best;
  for (int i = 0; i < repetitions; ++i) {
    const Cost cost = run(recording);
    if (i == 0 || cost.sum() < best.sum()) best = cost;
  }
  const auto events = static_cast<double>(recording.events());
  const auto each = [&](std::uint64_t ns) { return static_cast<double>(ns) / events; };
  nlohmann::ordered_json line = {{"domains", host.domains},
                                 {"cpus", host.cpus},
                                 {"events", recording.events()},
                                 {"events_per_second", events * 1e9 / static_cast<double>(best.sum())},
                                 {"log_ns", each(best.log)},
                                 {"apply_ns", each(best.apply)},
                                 {"publish_ns", each(best.publish)},
                                 {"longest_drain_ms", static_cast<double>(best.longest_drain) / 1e6},
                                 {"predictions_missed", best.predictions - best.hits}};
  if (shards) {
    double one = 1e9;
    double two = 1e9;
    for (int i = 0; i < repetitions; ++i) {
      one = std::min(one, shards_ms(recording, 1));
      two = std::min(two, shards_ms(recording, 2));
    }
    line["two_shards"] = one / two;
  }
  return line;
}

int main(int argc, char** argv) {
  CLI::App app("The cost of an event from the rings to the View");
  std::string json_path;
  int repetitions = 3;
  bool chart = false;
  std::vector<std::string> hosts;
  app.add_option("--json", json_path, "Append a JSON line for each result to this file");
  app.add_option("--repetitions", repetitions, "The fastest of that many runs counts")
      ->check(CLI::Range(1, 100));
  app.add_option("--host", hosts, "Only this host, as DOMAINSxCPUS (may be repeated)");
  app.add_flag("--chart", chart, "Also 1 to 1,000 domains and 1 to 1,024 CPUs");
  CLI11_PARSE(app, argc, argv);
  std::vector<Host> wanted;
  for (const std::string& host : hosts) {
    unsigned domains = 0;
    unsigned cpus = 0;
    if (std::sscanf(host.c_str(), "%ux%u", &domains, &cpus) != 2 || domains == 0 || cpus == 0 ||
        cpus > 1024) {
      fmt::print(stderr, "--host {}: must be DOMAINSxCPUS, with 1 to 1024 CPUs\n", host);
      return 2;
    }
    wanted.push_back({domains, static_cast<std::uint16_t>(cpus)});
  }
  if (wanted.empty()) wanted = {{8, 64}, {64, 256}, {500, 448}};
  if (chart) {
    for (const std::uint32_t domains : {1u, 8u, 64u, 500u, 1000u})
      for (const unsigned cpus : {1u, 8u, 64u, 256u, 1024u})
        wanted.push_back({domains, static_cast<std::uint16_t>(cpus)});
  }
  fmt::print("{:>14} {:>9} {:>10} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7}\n", "domains x CPUs", "M events",
             "M events/s", "log ns", "apply ns", "view ns", "drain ms", "2 shards", "missed");
  bool exact = true;
  for (const Host& host : wanted) {
    const auto line = measure(host, repetitions, host.domains > 1);
    fmt::print("{:>7} x {:>4} {:>9.1f} {:>10.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>9.2f} {:>8} {:>7}\n",
               host.domains, host.cpus, line["events"].get<double>() / 1e6,
               line["events_per_second"].get<double>() / 1e6, line["log_ns"].get<double>(),
               line["apply_ns"].get<double>(), line["publish_ns"].get<double>(),
               line["longest_drain_ms"].get<double>(),
               line.contains("two_shards") ? fmt::format("{:.2f}x", line["two_shards"].get<double>()) : "-",
               line["predictions_missed"].get<std::uint64_t>());
    std::fflush(stdout);
    exact = exact && line["predictions_missed"] == 0;
    if (!json_path.empty()) std::ofstream(json_path, std::ios::app) << line.dump() << '\n';
  }
  if (!exact) fmt::print(stderr, "a prediction was missed: the figures are those of a wrong mirror\n");
  return exact ? 0 : 1;
}

}  // namespace
}  // namespace rcached::bench

int main(int argc, char** argv) { return rcached::bench::main(argc, argv); }
