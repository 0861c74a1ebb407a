// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/parse.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "exporters/top/json_reader.h"

namespace rcached::top {
namespace {

constexpr int kDeepest = 32;  // answers have 6 levels at most

// Brackets open at once at most; the JSON library takes a stack frame for each when it writes.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Level level(const JsonReader& balance, const char* name) {
  const JsonReader part = balance.object(name);
  return {part.count("ranges"), part.figure("per_second")};
}

// One for each cached order.
std::array<Known, kOrders> fill(const Json& json, const std::string& path) {
  if (!json.is_array() || json.size() != kOrders) throw Malformed(path + " has not one entry for each order");
  std::array<Known, kOrders> out{};
  for (std::size_t i = 0; i < kOrders; ++i) {
    if (!json[i].is_null()) out[i] = as_count(json[i], path + "[" + std::to_string(i) + "]");
  }
  return out;
}

std::vector<std::string> texts(const JsonReader& json, const char* name) {
  std::vector<std::string> out;
  json.each(name,
            [&](const Json& element, const std::string& path) { out.push_back(as_text(element, path)); });
  return out;
}

Latency latency(const JsonReader& json) {
  return {json.count("count"), json.number("seconds"), json.figure("p50"), json.figure("p99")};
}

Trust trust(const JsonReader& json) {
  return {json.text("state"),        json.text("text"),       json.count("loss_marks"),
          json.figure("last_loss"),  json.figure("resynced"), json.figure("last_audit"),
          json.figure("last_repair")};
}

Depot depot(const JsonReader& json) {
  Depot out;
  const std::string kind = json.text("kind");
  if (kind != "bounded" && kind != "unbounded")
    throw Malformed(json.path() + "kind is neither bounded nor unbounded");
  out.bounded = kind == "bounded";
  out.mark_magazines = json.known("mark_magazines");
  std::vector<Count> magazines;
  json.each("magazines", [&](const Json& element, const std::string& path) {
    magazines.push_back(as_count(element, path));
  });
  if (magazines.size() != kOrders)
    throw Malformed(json.path() + "magazines has not one count for each order");
  std::copy(magazines.begin(), magazines.end(), out.magazines.begin());
  if (const auto fullest = json.object_or_null("fullest"))
    out.fullest = {fullest->text("order"), fullest->count("magazines"), fullest->figure("ratio")};
  return out;
}

Rates rates(const JsonReader& json) {
  return {json.number("seconds"),          json.number("allocations"),     json.number("allocation_failures"),
          json.number("tree_allocations"), json.number("frees"),           json.number("depot_overflows"),
          json.number("depot_reclaims"),   json.number("mismatched_frees")};
}

void take_balance(const JsonReader& balance, Domain& out) {
  out.tree = level(balance, "tree");
  out.outstanding = level(balance, "outstanding");
  out.cpu_cached = level(balance, "cpu_cached");
  out.depot_cached = level(balance, "depot_cached");
  out.reserved = balance.object("reserved").count("ranges");
  out.unaccounted = balance.object("unaccounted").whole("ranges");
  out.outstanding_before_start = balance.object("outstanding_before_start").count("ranges");
  out.fq_pending = balance.object("fq_pending").known("ranges");
}

Domain domain(const JsonReader& json) {
  Domain out;
  out.label = json.text("domain");
  out.type = json.text("type");
  out.devices = texts(json, "devices");
  out.drivers = texts(json, "drivers");
  out.granule_bytes = json.known("granule_bytes");
  out.confidence = trust(json.object("confidence"));
  take_balance(json.object("balance"), out);
  out.depot = depot(json.object("depot"));
  if (const auto known = json.object_or_null("rates")) out.rates = rates(*known);
  out.tree_allocation = latency(json.object("tree_allocation"));
  out.depot_overflow = latency(json.object("depot_overflow"));
  if (const auto read = json.object_or_null("memory"))
    out.memory = {read->count("magazine_bytes"), read->count("range_bytes")};
  if (const auto read = json.object_or_null("space32"))
    out.space32 = {read->count("free_pages"), read->count("largest_gap_pages")};
  const JsonReader prediction = json.object("prediction");
  out.predictions = prediction.count("predictions");
  out.prediction_hits = prediction.count("hits");
  out.drift_ranges = json.count("drift_ranges");
  json.each("verdicts", [&](const Json& element, const std::string& path) {
    const JsonReader verdict(element, path);
    out.verdicts.push_back({verdict.text("verdict"), verdict.flag("holds"), verdict.text("evidence")});
  });
  return out;
}

Order order(const JsonReader& json) {
  Order out;
  out.order = json.text("order");
  out.outstanding = json.count("outstanding");
  out.cpu_cached = json.known("cpu_cached");
  out.cpu_capacity = json.known("cpu_capacity");
  out.cpus_holding = json.known("cpus_holding");
  out.depot_magazines = json.known("depot_magazines");
  out.depot_cached = json.known("depot_cached");
  out.depot_ratio = json.figure("depot_ratio");
  out.allocations = json.count("allocations");
  out.allocation_failures = json.count("allocation_failures");
  out.tree_allocations = json.count("tree_allocations");
  out.frees = json.count("frees");
  out.tree_frees = json.count("tree_frees");
  out.mismatched_frees = json.count("mismatched_frees");
  out.depot_pushes = json.known("depot_pushes");
  out.depot_pops = json.known("depot_pops");
  out.depot_overflows = json.known("depot_overflows");
  out.depot_reclaims = json.known("depot_reclaims");
  return out;
}

// They come as columns of equal length.
std::vector<Cpu> cpus(const JsonReader& json) {
  std::vector<Cpu> out;
  json.each("cpu", [&](const Json& element, const std::string& path) {
    out.emplace_back().cpu = as_count(element, path);
  });
  const auto column = [&](const char* name, auto&& take) {
    std::size_t rows = 0;
    json.each(name, [&](const Json& element, const std::string& path) {
      if (rows < out.size()) take(out[rows], element, path);
      ++rows;
    });
    if (rows != out.size()) throw Malformed(json.path() + name + " is not as long as " + json.path() + "cpu");
  };
  column("node", [](Cpu& cpu, const Json& element, const std::string& path) {
    if (!element.is_null()) cpu.node = as_count(element, path);
  });
  column("loaded",
         [](Cpu& cpu, const Json& element, const std::string& path) { cpu.loaded = fill(element, path); });
  column("prev",
         [](Cpu& cpu, const Json& element, const std::string& path) { cpu.prev = fill(element, path); });
  return out;
}

DomainDetail detail(const JsonReader& json) {
  DomainDetail out;
  out.time = json.figure("time");
  out.domain = domain(json.object("domain"));
  json.each("orders", [&](const Json& element, const std::string& path) {
    out.orders.push_back(order(JsonReader(element, path)));
  });
  const JsonReader all_cpus = json.object("cpus");
  out.magazine_capacity = all_cpus.count("magazine_capacity");
  out.cpus = cpus(all_cpus);
  const JsonReader queue = json.object("flush_queue");
  out.flush_queue = {queue.count("drains"), queue.count("drained_ranges"), queue.number("seconds"),
                     queue.number("longest_seconds"), queue.count("largest_ranges")};
  const JsonReader audit = json.object("audit");
  const JsonReader drift = audit.object("drift");
  out.audit = {audit.count("audits"), audit.count("repairs"), audit.count("abandoned"), drift.count("loaded"),
               drift.count("prev"),   drift.count("depot"),   drift.count("tree"),      drift.count("fq")};
  const JsonReader misses = json.object("misses");
  out.misses = {misses.count("reordered"), misses.count("depot_race"), misses.count("migration"),
                misses.count("unknown")};
  out.rcache_flushes = json.count("rcache_flushes");
  return out;
}

Status status(const JsonReader& json) {
  Status out;
  out.time = json.figure("time");
  out.version = json.text("version");
  out.source = json.text("source");
  out.mode = json.text("mode");
  out.ready = json.flag("ready");
  out.not_ready_reason = json.text_or_empty("not_ready_reason");
  out.started = json.figure("started");
  const JsonReader kernel = json.object("kernel");
  out.kernel_release = kernel.text("release");
  out.depot_bounded = kernel.text("depot") == "bounded";
  out.magazine_capacity = kernel.count("magazine_capacity");
  out.depot_mark_magazines = kernel.known("depot_mark_magazines");
  out.online_cpus = kernel.count("online_cpus");
  const JsonReader events = json.object("events");
  out.applied = events.count("applied");
  out.sent = events.count("sent");
  out.received = events.count("received");
  out.lost = events.count("lost");
  const JsonReader lost = events.object("lost_by");
  out.lost_ring_full = lost.count("ring_full");
  out.lost_entry_missing = lost.count("entry_missing");
  out.lost_skipped = lost.count("skipped");
  out.lost_malformed = lost.count("malformed");
  out.lag_seconds = events.figure("lag_seconds");
  json.each("cpus", [&](const Json& element, const std::string& path) {
    const JsonReader cpu(element, path);
    out.cpus.push_back({cpu.count("cpu"), cpu.count("sent"), cpu.count("received"), cpu.count("ring_full"),
                        cpu.count("entry_missing")});
  });
  json.each("programs", [&](const Json& element, const std::string& path) {
    const JsonReader program(element, path);
    out.programs.push_back({program.text("function"), program.text("method"), program.known("runs"),
                            program.figure("seconds"), program.known("skipped")});
  });
  if (const auto reader = json.object_or_null("reader")) {
    out.reader = {reader->count("reads"),
                  reader->count("changed"),
                  reader->count("faults"),
                  reader->number("seconds"),
                  reader->number("longest_seconds"),
                  reader->number("budget_seconds_per_second")};
  }
  const JsonReader process = json.object("process");
  out.process_cpu_seconds = process.figure("cpu_seconds");
  out.process_resident_bytes = process.known("resident_bytes");
  out.process_open_fds = process.known("open_fds");
  out.unattributed_flush_queue_drains = json.count("unattributed_flush_queue_drains");
  return out;
}

std::vector<Figure> figures(const JsonReader& json, const char* name) {
  std::vector<Figure> out;
  json.each(name,
            [&](const Json& element, const std::string& path) { out.push_back(as_figure(element, path)); });
  return out;
}

// Everything that is thrown becomes an error here.
template <typename Take>
auto parse(std::string_view body, Take&& take) -> Parsed<decltype(take(std::declval<JsonReader>()))> {
  RCACHED_TRY(const auto json, parse_json(body));
  try {
    return take(JsonReader(json, ""));
  } catch (const Malformed& malformed) {
    return tl::unexpected(std::string(malformed.what()));
  }
}

}  // namespace

Parsed<Json> parse_json(std::string_view body) {
  if (body.empty()) return tl::unexpected(std::string("the answer is empty"));
  if (too_deep(body)) return tl::unexpected(std::string("the answer is nested too deeply"));
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return tl::unexpected(std::string("the answer is not JSON, or ends too early"));
  return json;
}

Parsed<Domains> parse_domains(std::string_view body) {
  return parse(body, [](const JsonReader& json) {
    Domains out;
    out.time = json.figure("time");
    out.ready = json.flag("ready");
    json.each("domains", [&](const Json& element, const std::string& path) {
      out.domains.push_back(domain(JsonReader(element, path)));
    });
    return out;
  });
}

Parsed<DomainDetail> parse_domain(std::string_view body) { return parse(body, detail); }

Parsed<History> parse_history(std::string_view body) {
  return parse(body, [](const JsonReader& json) {
    return History{json.number("interval_seconds"), json.figure("first"), figures(json, "tree"),
                   figures(json, "outstanding"), figures(json, "tree_allocation_p99")};
  });
}

Parsed<Status> parse_status(std::string_view body) { return parse(body, status); }

Parsed<NotesAnswer> parse_notes(std::string_view body) {
  return parse(body, [](const JsonReader& json) {
    NotesAnswer out;
    out.time = json.figure("time");
    json.each("notes", [&](const Json& element, const std::string& path) {
      const JsonReader note(element, path);
      out.notes.push_back({note.count("number"), note.number("time"), note.text("kind"),
                           note.text_or_empty("domain"), note.text("text")});
    });
    return out;
  });
}

ApiError parse_api_error(std::string_view body) {
  const auto parsed = parse(body, [](const JsonReader& json) {
    const JsonReader error = json.object("error");
    return ApiError{error.text("message"), error.text_or_empty("hint")};
  });
  return parsed.value_or(ApiError{});
}

}  // namespace rcached::top
