// SPDX-License-Identifier: Apache-2.0
// The table of domains: its columns and their contents, sorting and filtering. Pure.
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
  char key;                // key that sorts by it; 0: none, reachable with the arrow keys
  int width;               // in cells; the minimum for a column that stretches
  bool numbers;            // right-aligned; sorted from the largest down
  bool stretches;          // takes the remaining width of the line
  int rank;                // if the line is too short, columns with the highest rank are omitted first
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

// The domains that match `filter`, sorted; pointers into `domains`. Unknown figures come last in both
// directions; equal ones are sorted by label, numerically if possible.
std::vector<const Domain*> arrange(const std::vector<Domain>& domains, SortOrder order,
                                   std::string_view filter);

// True if each word of the filter occurs, case-insensitively, in the domain's label, type, devices, drivers,
// state of confidence, or in the name of a verdict that applies. An empty filter matches all.
bool matches(const Domain& domain, std::string_view filter);
// The same for any text.
bool contains_words(std::string_view text, std::string_view filter);

// The columns that fit in a line of `width`; `wanted` is always one of them.
std::vector<Column> columns_that_fit(int width, ColumnId wanted);

// Shared by all views: the style of a state of confidence and of a depot's ratio.
Style confidence_style(std::string_view state);
Style ratio_style(const Figure& ratio);

std::string joined(const std::vector<std::string>& texts);

}  // namespace rcached::top
