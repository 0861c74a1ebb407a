// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/domain_table.h"
#include "exporters/top/sheets.h"

namespace rcached::top {
namespace {

void put_head(Grid& grid, const std::vector<Column>& shown, SortOrder order) {
  const int row = grid.add_row();
  int x = 0;
  for (const Column& each : shown) {
    const bool sorted = each.id == order.column;
    const Style style{.tone = Tone::title, .bold = true, .reverse = sorted};
    std::string text(each.title);
    // The arrow takes a cell of the column's own: titles are narrower than their columns but for a few.
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

}  // namespace rcached::top
