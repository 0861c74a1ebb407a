// SPDX-License-Identifier: Apache-2.0
// The table of domains: its columns, what each shows of a domain, in which order and which of the domains.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/top/cell_grid.h"
#include "exporters/top/model.h"

namespace rcached::top {

enum class ColumnId : std::uint8_t {
  domain,
  tree,
  tree_slope,
  outstanding,
  outstanding_slope,
  cpu_cached,
  cpu_cached_slope,
  depot_cached,
  depot_cached_slope,
  fullest,
  misses,
  overflows,
  allocations,
  frees,
  reserved,
  unaccounted,
  confidence,
  verdict,
  type,
  devices,
};

struct Column {
  ColumnId id;
  std::string_view name;   // for --sort: "tree-slope"
  std::string_view title;  // over the column: "+/S"
  char key;                // sorts by it; 0: none of its own, reached by the arrows
  int width;               // in cells; the least for one that stretches
  bool numbers;            // right-aligned; sorted from the largest down
  bool stretches;          // takes what is left of the line
  int rank;                // which are left out first where the line is too short: those with the highest
};

// In the order of the screen.
const std::vector<Column>& columns();
const Column& column(ColumnId id);
std::optional<ColumnId> column_by_name(std::string_view name);
std::optional<ColumnId> column_by_key(char32_t key);
std::string column_names();  // "domain, tree, ..." for messages

struct SortOrder {
  ColumnId column = ColumnId::tree;
  bool descending = true;

  friend bool operator==(const SortOrder&, const SortOrder&) = default;
};

// The initial direction of a column: numbers from the largest, names from the first.
SortOrder first_order(ColumnId column);

struct ColumnText {
  std::string text;
  Style style;
};
ColumnText column_text(const Domain& domain, ColumnId id);

// Those that `filter` lets through, sorted; pointers into `domains`. Unknown figures come last in both
// directions; equal ones by label, numbers as numbers.
std::vector<const Domain*> arrange(const std::vector<Domain>& domains, SortOrder order,
                                   std::string_view filter);

// Each word of the filter occurs, whatever its case, in the domain's label, type, devices, drivers, state of
// confidence, or in the name of a verdict that holds. An empty filter lets all through.
bool matches(const Domain& domain, std::string_view filter);
// The same for any text.
bool contains_words(std::string_view text, std::string_view filter);

// The columns that a line of `width` has room for; `wanted` is always one of them.
std::vector<Column> columns_that_fit(int width, ColumnId wanted);

// Shared by all views: the style of a state of confidence and of a depot's ratio.
Style confidence_style(std::string_view state);
Style ratio_style(const Figure& ratio);

std::string joined(const std::vector<std::string>& texts);

}  // namespace rcached::top
