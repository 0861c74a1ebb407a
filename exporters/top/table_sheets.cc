// SPDX-License-Identifier: Apache-2.0
// Tables: all domains; the CPUs of one domain by order, with the fill of their loaded and prev magazines.
#include <fmt/format.h>

#include <algorithm>

#include "exporters/top/domain_table.h"
#include "exporters/top/figures.h"
#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

constexpr std::size_t kFewCpus = 16;  // up to this many, numbers are shown by default
constexpr int kRuler = 10;            // the map shows a CPU number at this interval

// Ranges in both magazines; nullopt: this CPU has not used the order.
Known cached(const Cpus& cpus, std::size_t i, std::size_t order) {
  const Known &loaded = cpus.loaded[i][order], &prev = cpus.prev[i][order];
  if (!loaded && !prev) return std::nullopt;
  return loaded.value_or(0) + prev.value_or(0);
}

// 0: empty or nearly empty, 9: full or nearly full.
std::uint8_t heat(Count ranges, Count capacity) {
  if (capacity == 0) return 0;
  return static_cast<std::uint8_t>(std::min<Count>(9, ranges * 10 / capacity));
}

std::string node_text(const Known& node) { return node ? std::to_string(*node) : kUnknown; }

void put_head(Grid& grid, const std::vector<Column>& shown, SortOrder order) {
  const int row = grid.add_row();
  int x = 0;
  for (const Column& each : shown) {
    const bool sorted = each.id == order.column;
    const Style style{.tone = Tone::title, .bold = true, .reverse = sorted};
    std::string text(each.title);
    // The arrow uses a cell of the column: most titles are narrower than their columns.
    if (sorted) text.insert(0, order.descending ? "▼" : "▲");
    if (each.numbers) {
      grid.put_right(row, x, each.width, text, style);
    } else {
      grid.put(row, x, text, style, each.width);
    }
    x += each.width + 1;
  }
}

void put_domain(Grid& grid, const std::vector<Column>& shown, const Domain& domain) {
  const int row = grid.add_row();
  int x = 0;
  for (const Column& each : shown) {
    const ColumnText cell = column_text(domain, each.id);
    if (each.numbers) {
      grid.put_right(row, x, each.width, cell.text, cell.style);
    } else {
      grid.put(row, x, cell.text, cell.style, each.width);
    }
    x += each.width + 1;
  }
}

class CpusSheet {
 public:
  CpusSheet(const DomainDetail& detail, int width, Charset charset)
      : label_(detail.domain.label),
        cpus_(detail.cpus),
        capacity_(2 * detail.cpus.magazine_capacity),
        grid_(0, width, charset) {}

  Sheet draw(bool swap_form) {
    const bool numbers = (cpus_.cpu.size() <= kFewCpus) != swap_form;
    head(numbers);
    if (cpus_.cpu.empty()) {
      grid_.put(grid_.add_row(), 0, "No CPU has used this domain yet.", kFaint);
      return {std::move(grid_), 1, -1};
    }
    if (numbers) {
      table();
      return {std::move(grid_), 2, -1};
    }
    map();
    return {std::move(grid_), 1, -1};
  }

 private:
  void head(bool numbers) {
    const int row = grid_.add_row();
    int x = grid_.put(row, 0, "domain " + label_, kTitle) + 2;
    x = grid_.put(row, x, fmt::format("{} CPUs", cpus_.cpu.size())) + 2;
    if (numbers) {
      grid_.put(row, x, fmt::format("loaded+prev, {} each at most; n: map", cpus_.magazine_capacity), kFaint);
      return;
    }
    x = grid_.put(row, x, fmt::format("tenths of {}: ", capacity_), kFaint);
    for (std::uint8_t level = 0; level < 10; ++level)
      x = grid_.put(row, x, std::string(1, static_cast<char>('0' + level)),
                    {.tone = Tone::heat, .heat = level});
    grid_.put(row, x + 1, "· empty; n: numbers", kFaint);
  }

  void table() {
    constexpr int kCell = 7, kFirst = 10;
    int row = grid_.add_row();
    grid_.put(row, 0, "CPU", kTitle);
    grid_.put(row, 5, "NODE", kTitle);
    for (std::size_t order = 0; order < kOrders; ++order)
      grid_.put_right(row, kFirst + static_cast<int>(order) * (kCell + 1), kCell, fmt::format("{}", order),
                      kTitle);
    const int sum_at = kFirst + static_cast<int>(kOrders) * (kCell + 1);
    grid_.put_right(row, sum_at, 6, "SUM", kTitle);
    for (std::size_t i = 0; i < cpus_.cpu.size(); ++i) {
      row = grid_.add_row();
      grid_.put(row, 0, std::to_string(cpus_.cpu[i]), {.bold = true}, 4);
      grid_.put(row, 5, node_text(cpus_.node[i]), {}, 4);
      Count sum = 0;
      for (std::size_t order = 0; order < kOrders; ++order) {
        const int x = kFirst + static_cast<int>(order) * (kCell + 1);
        const Known ranges = cached(cpus_, i, order);
        if (!ranges) {
          grid_.put_right(row, x, kCell, "·", kFaint);
          continue;
        }
        sum += *ranges;
        grid_.put_right(row, x, kCell, count(cpus_.loaded[i][order]) + "+" + count(cpus_.prev[i][order]),
                        {.tone = Tone::heat, .heat = heat(*ranges, capacity_)});
      }
      grid_.put_right(row, sum_at, 6, count(sum));
    }
  }

  // One row per order, one cell per CPU, in as many bands as needed.
  void map() {
    constexpr int kFirst = 6;
    const int room = std::max(grid_.columns() - kFirst, 1);
    const int band = room >= kRuler ? room / kRuler * kRuler : room;
    for (std::size_t from = 0; from < cpus_.cpu.size(); from += static_cast<std::size_t>(band)) {
      const std::size_t to = std::min(cpus_.cpu.size(), from + static_cast<std::size_t>(band));
      if (from > 0) grid_.add_row();
      nodes_line(from, to, kFirst);
      ruler_line(from, to, kFirst);
      for (std::size_t order = 0; order < kOrders; ++order) {
        const int row = grid_.add_row();
        grid_.put(row, 0, fmt::format("{:>4}", order));
        for (std::size_t i = from; i < to; ++i) put_level(row, kFirst + static_cast<int>(i - from), i, order);
      }
    }
  }

  // The number of a node, above its first CPU.
  void nodes_line(std::size_t from, std::size_t to, int first) {
    const int row = grid_.add_row();
    grid_.put(row, 0, "node", kTitle);
    for (std::size_t i = from; i < to; ++i) {
      if (i > from && cpus_.node[i] == cpus_.node[i - 1]) continue;
      const std::string text = node_text(cpus_.node[i]);
      std::size_t end = i + 1;
      while (end < to && cpus_.node[end] == cpus_.node[i]) ++end;
      grid_.put(row, first + static_cast<int>(i - from), text, kFaint, static_cast<int>(end - i));
    }
  }

  void ruler_line(std::size_t from, std::size_t to, int first) {
    const int row = grid_.add_row();
    grid_.put(row, 0, "CPU", kTitle);
    for (std::size_t i = from; i < to; i += kRuler)
      grid_.put(row, first + static_cast<int>(i - from), std::to_string(cpus_.cpu[i]), kTitle, kRuler - 1);
  }

  void put_level(int row, int x, std::size_t i, std::size_t order) {
    const Known ranges = cached(cpus_, i, order);
    if (!ranges) return;
    const std::uint8_t level = heat(*ranges, capacity_);
    grid_.put(row, x, *ranges == 0 ? "·" : std::string(1, static_cast<char>('0' + level)),
              {.tone = Tone::heat, .heat = level});
  }

  const std::string& label_;
  const Cpus& cpus_;
  Count capacity_;  // of a CPU and order, in ranges
  Grid grid_;
};

}  // namespace

Sheet domains_sheet(const TopData& data, const UiState& state, int width, Charset charset) {
  Sheet sheet{Grid(0, width, charset), 1, -1};
  const auto shown = columns_that_fit(width, state.order.column);
  put_head(sheet.grid, shown, state.order);
  const auto rows = arrange(data.domains.domains, state.order, state.filter);
  const std::string selected = shown_domain(state, data.domains);
  for (const Domain* domain : rows) {
    put_domain(sheet.grid, shown, *domain);
    if (domain->label == selected) sheet.selected = sheet.grid.rows() - 1;
  }
  if (rows.empty()) {
    add_wrapped(sheet.grid, sheet.grid.add_row(), 0,
                data.domains.domains.empty()
                    ? "No domain has been seen yet: one appears with its first mapping."
                    : "No domain matches the filter. Esc clears it.",
                {.tone = Tone::faint});
  }
  return sheet;
}

Sheet cpus_sheet(const TopData& data, const std::string& label, bool swap_form, int width, Charset charset) {
  if (!data.detail || data.detail->domain.label != label) return domain_sheet(data, label, width, charset);
  return CpusSheet(*data.detail, width, charset).draw(swap_form);
}

}  // namespace rcached::top
