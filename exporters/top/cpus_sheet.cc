// SPDX-License-Identifier: Apache-2.0
// CPUs by orders: how full the loaded and prev magazines are.
#include <fmt/format.h>

#include <algorithm>

#include "exporters/top/domain_table.h"
#include "exporters/top/figures.h"
#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

constexpr Style kTitle{.tone = Tone::title, .bold = true};
constexpr Style kFaint{.tone = Tone::faint};
constexpr std::size_t kFewCpus = 16;  // up to here numbers are the better picture
constexpr int kRuler = 10;            // every so many CPUs the map has a number

// Ranges in both magazines; nullopt: this CPU has not used the order.
Known cached(const Cpu& cpu, std::size_t order) {
  if (!cpu.loaded[order] && !cpu.prev[order]) return std::nullopt;
  return cpu.loaded[order].value_or(0) + cpu.prev[order].value_or(0);
}

// 0: empty or nearly so, 9: full or nearly so.
std::uint8_t heat(Count ranges, Count capacity) {
  if (capacity == 0) return 0;
  return static_cast<std::uint8_t>(std::min<Count>(9, ranges * 10 / capacity));
}

std::string node_text(const Known& node) { return node ? std::to_string(*node) : kUnknown; }

class CpusSheet {
 public:
  CpusSheet(const DomainDetail& detail, int width, Charset charset)
      : detail_(detail), capacity_(2 * detail.magazine_capacity), grid_(0, width, charset) {}

  Sheet draw(bool swap_form) {
    const bool numbers = (detail_.cpus.size() <= kFewCpus) != swap_form;
    head(numbers);
    if (detail_.cpus.empty()) {
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
    int x = grid_.put(row, 0, "domain " + detail_.domain.label, kTitle) + 2;
    x = grid_.put(row, x, fmt::format("{} CPUs", detail_.cpus.size())) + 2;
    if (numbers) {
      grid_.put(row, x, fmt::format("loaded+prev, {} each at most; n: map", detail_.magazine_capacity),
                kFaint);
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
    for (const Cpu& cpu : detail_.cpus) {
      row = grid_.add_row();
      grid_.put(row, 0, std::to_string(cpu.cpu), {.bold = true}, 4);
      grid_.put(row, 5, node_text(cpu.node), {}, 4);
      Count sum = 0;
      for (std::size_t order = 0; order < kOrders; ++order) {
        const int x = kFirst + static_cast<int>(order) * (kCell + 1);
        const Known ranges = cached(cpu, order);
        if (!ranges) {
          grid_.put_right(row, x, kCell, "·", kFaint);
          continue;
        }
        sum += *ranges;
        grid_.put_right(row, x, kCell, count(cpu.loaded[order]) + "+" + count(cpu.prev[order]),
                        {.tone = Tone::heat, .heat = heat(*ranges, capacity_)});
      }
      grid_.put_right(row, sum_at, 6, count(sum));
    }
  }

  // Orders below each other, CPUs beside each other, in as many bands as it takes.
  void map() {
    constexpr int kFirst = 6;
    const int room = std::max(grid_.columns() - kFirst, 1);
    const int band = room >= kRuler ? room / kRuler * kRuler : room;
    for (std::size_t from = 0; from < detail_.cpus.size(); from += static_cast<std::size_t>(band)) {
      const std::size_t to = std::min(detail_.cpus.size(), from + static_cast<std::size_t>(band));
      if (from > 0) grid_.add_row();
      nodes_line(from, to, kFirst);
      ruler_line(from, to, kFirst);
      for (std::size_t order = 0; order < kOrders; ++order) {
        const int row = grid_.add_row();
        grid_.put(row, 0, fmt::format("{:>4}", order));
        for (std::size_t i = from; i < to; ++i)
          put_level(row, kFirst + static_cast<int>(i - from), detail_.cpus[i], order);
      }
    }
  }

  // Where a node begins, its number stands.
  void nodes_line(std::size_t from, std::size_t to, int first) {
    const int row = grid_.add_row();
    grid_.put(row, 0, "node", kTitle);
    for (std::size_t i = from; i < to; ++i) {
      if (i > from && detail_.cpus[i].node == detail_.cpus[i - 1].node) continue;
      const std::string text = node_text(detail_.cpus[i].node);
      std::size_t end = i + 1;
      while (end < to && detail_.cpus[end].node == detail_.cpus[i].node) ++end;
      grid_.put(row, first + static_cast<int>(i - from), text, kFaint, static_cast<int>(end - i));
    }
  }

  void ruler_line(std::size_t from, std::size_t to, int first) {
    const int row = grid_.add_row();
    grid_.put(row, 0, "CPU", kTitle);
    for (std::size_t i = from; i < to; i += kRuler)
      grid_.put(row, first + static_cast<int>(i - from), std::to_string(detail_.cpus[i].cpu), kTitle,
                kRuler - 1);
  }

  void put_level(int row, int x, const Cpu& cpu, std::size_t order) {
    const Known ranges = cached(cpu, order);
    if (!ranges) return;
    const std::uint8_t level = heat(*ranges, capacity_);
    grid_.put(row, x, *ranges == 0 ? "·" : std::string(1, static_cast<char>('0' + level)),
              {.tone = Tone::heat, .heat = level});
  }

  const DomainDetail& detail_;
  Count capacity_;  // of a CPU and order, in ranges
  Grid grid_;
};

}  // namespace

Sheet cpus_sheet(const TopData& data, const std::string& label, bool swap_form, int width, Charset charset) {
  if (!data.detail || data.detail->domain.label != label) return domain_sheet(data, label, width, charset);
  return CpusSheet(*data.detail, width, charset).draw(swap_form);
}

}  // namespace rcached::top
