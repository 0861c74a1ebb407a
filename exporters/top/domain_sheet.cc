// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "exporters/top/domain_table.h"
#include "exporters/top/figures.h"
#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

// "-" if there was no call, ">100ms" if the quantile is above the last bound.
std::string quantile(const Durations& latency, const Figure& value) {
  if (latency.count == 0) return kUnknown;
  return value ? duration(value) : ">100ms";
}

class DomainSheet {
 public:
  DomainSheet(const TopData& data, int width, Charset charset)
      : data_(data), detail_(*data.detail), domain_(data.detail->domain), grid_(0, width, charset) {}

  Sheet draw() {
    head();
    verdicts();
    balance_and_depots();
    orders();
    latencies();
    last_hour();
    mirror();
    return {std::move(grid_), 1, -1};
  }

 private:
  int line(int indent, const std::string& text, Style style = {}) {
    const int row = grid_.add_row();
    grid_.put(row, indent, text, style);
    return row;
  }

  void head() {
    const int row = grid_.add_row();
    int x = grid_.put(row, 0, "domain " + domain_.label, kTitle) + 2;
    x = grid_.put(row, x, domain_.type) + 2;
    x = grid_.put(row, x, domain_.confidence.text, confidence_style(domain_.confidence.state)) + 2;
    const std::string who = domain_.devices.empty() ? "" : joined(domain_.devices);
    x = grid_.put(row, x, domain_.drivers.empty() ? who : who + " (" + joined(domain_.drivers) + ")") + 2;
    if (domain_.granule_bytes) grid_.put(row, x, "granule " + bytes(domain_.granule_bytes), kFaint);
  }

  void verdicts() {
    bool any = false;
    for (const Verdict& verdict : domain_.verdicts) {
      if (!verdict.holds) continue;
      any = true;
      const int row = grid_.add_row();
      const Style style{.tone = verdict.verdict == "healthy" ? Tone::good : Tone::warning, .bold = true};
      const int x = grid_.put(row, 0, verdict.verdict + ":", style) + 1;
      add_wrapped(grid_, row, x < grid_.columns() / 2 ? x : 2, verdict.evidence);
    }
    if (!any) line(0, domain_.verdicts.empty() ? "verdicts: none yet" : "verdicts: none applies", kFaint);
  }

  // Side by side: 36 columns for the balance, the rest for the depots. If that is too narrow, one below the other.
  void balance_and_depots() {
    const int top = grid_.rows();
    balance();
    constexpr int kLeft = 38;
    const bool beside = grid_.columns() >= kLeft + 34;
    depots(beside ? top : grid_.rows(), beside ? kLeft : 0);
  }

  void balance_line(int indent, const char* name, const std::string& ranges, const std::string& slope_text,
                    Style style = {}) {
    const int row = grid_.add_row();
    grid_.put(row, indent, name, style);
    grid_.put_right(row, 18, 9, ranges, style);
    grid_.put_right(row, 28, 7, slope_text, style);
  }

  void balance() {
    const int row = line(0, "BALANCE", kTitle);
    grid_.put_right(row, 18, 9, "RANGES", kTitle);
    grid_.put_right(row, 28, 7, "+/S", kTitle);
    const auto level = [&](int indent, const char* name, const Level& part, Style style = {}) {
      balance_line(indent, name, count(part.ranges), slope(part.per_second), style);
    };
    level(0, "tree", domain_.balance.tree, {.bold = true});
    level(2, "outstanding", domain_.balance.outstanding);
    balance_line(4, "before start", count(domain_.balance.outstanding_before_start.ranges), "", kFaint);
    balance_line(4, "flush queue", count(domain_.balance.fq_pending.ranges), "", kFaint);
    level(2, "cpu rcaches", domain_.balance.cpu_cached);
    level(2, "depot", domain_.balance.depot_cached);
    balance_line(2, "reserved", count(domain_.balance.reserved.ranges), "");
    balance_line(2, "unaccounted", signed_count(domain_.balance.unaccounted.ranges), "",
                 {.tone = domain_.balance.unaccounted.ranges == 0 ? Tone::normal : Tone::warning});
  }

  void depots(int row, int x) {
    const auto at = [&](int line_number) {
      while (grid_.rows() <= line_number) grid_.add_row();
      return line_number;
    };
    const Depot& depot = domain_.depot;
    const std::string mark = depot.mark_magazines ? std::to_string(*depot.mark_magazines) : "?";
    grid_.put(at(row++), x,
              depot.bounded() ? "DEPOTS, limit " + mark + " magazines"
                              : "DEPOTS, reclaimed above " + mark + " magazines",
              kTitle);
    const int width = std::clamp(grid_.columns() - x - 22, 8, 40);
    for (std::size_t order = 0; order < kOrders; ++order) {
      const Count magazines = depot.magazines[order];
      const Figure ratio =
          depot.mark_magazines && *depot.mark_magazines > 0
              ? Figure(static_cast<double>(magazines) / static_cast<double>(*depot.mark_magazines))
              : Figure();
      const Style style = ratio_style(ratio);
      at(row);
      int y = grid_.put(row, x, fmt::format("{} ", order));
      y = grid_.put(row, y, bar(ratio.value_or(magazines > 0 ? 1 : 0), width), style);
      grid_.put_right(row, y + 1, 6, count(magazines), style);
      grid_.put_right(row, y + 8, 6, percent(ratio), style);
      ++row;
    }
  }

  void orders() {
    struct Field {
      const char* title;
      int width;
    };
    constexpr std::array<Field, 12> kFields = {{{"ORDER", 5},
                                                {"OUTST", 6},
                                                {"CPU", 6},
                                                {"USED", 5},
                                                {"CPUS", 4},
                                                {"ALLOCS", 6},
                                                {"FAILED", 6},
                                                {"TREE", 6},
                                                {"FREES", 6},
                                                {"MISMAT", 6},
                                                {"OVERFL", 6},
                                                {"RECLAI", 6}}};
    const auto put = [&](const std::array<std::string, kFields.size()>& texts, Style style) {
      const int row = grid_.add_row();
      int x = 0;
      for (std::size_t i = 0; i < kFields.size(); ++i) {
        if (i == 0) {
          grid_.put(row, x, texts[i], style, kFields[i].width);
        } else {
          grid_.put_right(row, x, kFields[i].width, texts[i], style);
        }
        x += kFields[i].width + 1;
      }
    };
    std::array<std::string, kFields.size()> titles;
    std::transform(kFields.begin(), kFields.end(), titles.begin(),
                   [](const Field& field) { return std::string(field.title); });
    put(titles, kTitle);
    for (const Order& order : detail_.orders) {
      const Figure used =
          order.cpu_cached && order.cpu_capacity.value_or(0) > 0
              ? Figure(static_cast<double>(*order.cpu_cached) / static_cast<double>(*order.cpu_capacity))
              : Figure();
      put({order.order, count(order.outstanding), count(order.cpu_cached), percent(used),
           count(order.cpus_holding), count(order.allocations), count(order.allocation_failures),
           count(order.tree_allocations), count(order.frees), count(order.mismatched_frees),
           count(order.depot_overflows), count(order.depot_reclaims)},
          {});
    }
  }

  void latency_line(const char* name, const Durations& latency) {
    const int row = grid_.add_row();
    grid_.put(row, 0, name);
    grid_.put_right(row, 18, 9, count(latency.count));
    const Figure mean =
        latency.count > 0 ? Figure(latency.seconds / static_cast<double>(latency.count)) : Figure();
    grid_.put_right(row, 28, 9, duration(mean));
    grid_.put_right(row, 38, 9, quantile(latency, latency.p50));
    grid_.put_right(row, 48, 9, quantile(latency, latency.p99));
    grid_.put_right(row, 58, 9, duration(latency.seconds));
  }

  void latencies() {
    const int row = line(0, "LATENCY", kTitle);
    grid_.put_right(row, 18, 9, "CALLS", kTitle);
    grid_.put_right(row, 28, 9, "MEAN", kTitle);
    grid_.put_right(row, 38, 9, "P50 <=", kTitle);
    grid_.put_right(row, 48, 9, "P99 <=", kTitle);
    grid_.put_right(row, 58, 9, "SUM", kTitle);
    latency_line("tree allocation", domain_.tree_allocation);
    latency_line("depot overflow", domain_.depot_overflow);
    if (!domain_.rates) return;
    const Rates& rates = *domain_.rates;
    add_wrapped(
        grid_, grid_.add_row(), 0,
        fmt::format("per second: {} allocations, {} failed, {} from the tree ({}), {} frees, {} overflows, "
                    "{} reclaims, {} mismatched",
                    rate(rates.allocations), rate(rates.allocation_failures), rate(rates.tree_allocations),
                    percent(domain_.miss_ratio()), rate(rates.frees), rate(rates.depot_overflows),
                    rate(rates.depot_reclaims), rate(rates.mismatched_frees)));
  }

  int spark_width() const { return std::max(grid_.columns() - 29, 10); }

  void spark_line(const char* name, const std::vector<Figure>& points, const std::string& low,
                  const std::string& high) {
    const int row = grid_.add_row();
    grid_.put(row, 0, name);
    grid_.put_right(row, 12, 7, low, kFaint);
    grid_.put(row, 20, sparkline(points, spark_width()));
    grid_.put_right(row, 21 + spark_width(), 7, high, kFaint);
  }

  template <typename Format>
  void spark(const char* name, const std::vector<Figure>& points, Format&& format) {
    Figure low, high;
    for (const Figure& value : points) {
      if (!value) continue;
      low = low ? std::min(*low, *value) : *value;
      high = high ? std::max(*high, *value) : *value;
    }
    spark_line(name, points, format(low), format(high));
  }

  void last_hour() {
    if (!data_.history || data_.history->tree.empty()) return;
    const History& history = *data_.history;
    const double seconds =
        static_cast<double>(history.interval_seconds) * static_cast<double>(history.tree.size());
    const int row = line(0, "LAST " + age(seconds), kTitle);
    grid_.put_right(row, 12, 7, "MIN", kTitle);
    grid_.put_right(row, 21 + spark_width(), 7, "MAX", kTitle);
    const auto ranges = [](const Figure& value) {
      return value && *value >= 0 && *value < 1e18 ? count(static_cast<Count>(*value)) : kUnknown;
    };
    spark("tree", history.tree, ranges);
    spark("outstanding", history.outstanding, ranges);
    spark("tree p99", history.tree_allocation_p99, [](const Figure& value) { return duration(value); });
  }

  void mirror() {
    line(0, "MIRROR AND MEMORY", kTitle);
    const Figure hits = domain_.prediction.predictions > 0
                            ? Figure(static_cast<double>(domain_.prediction.hits) /
                                     static_cast<double>(domain_.prediction.predictions))
                            : Figure();
    add_wrapped(
        grid_, grid_.add_row(), 0,
        fmt::format("predictions {}, hit {}; misses: {} reordered, {} depot race, {} migration, {} unknown; "
                    "drift {} ranges",
                    count(domain_.prediction.predictions), percent(hits), count(detail_.misses.reordered),
                    count(detail_.misses.depot_race), count(detail_.misses.migration),
                    count(detail_.misses.unknown), count(domain_.drift_ranges)));
    const Audit& audit = detail_.audit;
    add_wrapped(
        grid_, grid_.add_row(), 0,
        fmt::format(
            "audits {}, repairs {}, abandoned {}; found: loaded {}, prev {}, depot {}, tree {}, fq {}; "
            "marked by losses {} times",
            count(audit.audits), count(audit.repairs), count(audit.abandoned), count(audit.drift.loaded),
            count(audit.drift.prev), count(audit.drift.depot), count(audit.drift.tree), count(audit.drift.fq),
            count(domain_.confidence.loss_marks)));
    const FlushQueue& queue = detail_.flush_queue;
    add_wrapped(
        grid_, grid_.add_row(), 0,
        fmt::format("flush queue: {} drains of {} ranges, {} in total, longest {}, largest {} ranges; "
                    "rcache flushes {}",
                    count(queue.drains), count(queue.drained_ranges), duration(queue.seconds),
                    duration(queue.longest_seconds), count(queue.largest_ranges),
                    count(detail_.rcache_flushes)));
    std::string memory = domain_.memory
                             ? fmt::format("magazines {}, ranges {}", bytes(domain_.memory->magazine_bytes),
                                           bytes(domain_.memory->range_bytes))
                             : "not read";
    memory += domain_.space32
                  ? fmt::format("; below 4 GiB: {} pages free, largest gap {}",
                                count(domain_.space32->free_pages), count(domain_.space32->largest_gap_pages))
                  : "; space below 4 GiB: not read";
    add_wrapped(grid_, grid_.add_row(), 0, "memory: " + memory);
  }

  const TopData& data_;
  const DomainDetail& detail_;
  const Domain& domain_;
  Grid grid_;
};

}  // namespace

Sheet domain_sheet(const TopData& data, const std::string& label, int width, Charset charset) {
  if (data.detail && data.detail->domain.label == label) return DomainSheet(data, width, charset).draw();
  Sheet sheet{Grid(0, width, charset)};
  const bool listed = std::any_of(data.domains.domains.begin(), data.domains.domains.end(),
                                  [&](const Domain& domain) { return domain.label == label; });
  add_wrapped(sheet.grid, sheet.grid.add_row(), 0,
              label.empty() ? "No domain to show."
              : listed      ? "Loading domain " + label + " ..."
                            : "Domain " + label + " no longer exists. Press 1 for the list of domains.",
              {.tone = Tone::faint});
  return sheet;
}

}  // namespace rcached::top
