// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/domain_table.h"

#include <gtest/gtest.h>

#include <set>

#include "exporters/top/testing/sample_data.h"

namespace rcached::top {
namespace {

using testing::labels;
using testing::plain_domain;

std::vector<Domain> four() {
  std::vector<Domain> domains = {plain_domain("10", 5), plain_domain("2", 7), plain_domain("iovad-3", 6),
                                 plain_domain("1", 6)};
  domains[0].balance.tree.per_second = -2;
  domains[1].balance.tree.per_second = 3;
  domains[0].confidence.state = "lossy";
  domains[1].confidence.state = "partial";
  domains[2].confidence.state = "resynced";
  domains[1].devices = {"0000:00:03.0", "0000:00:04.0"};
  domains[1].drivers = {"NVMe"};
  domains[0].verdicts = {{"depot-saturated", true, "x"}, {"size-mismatch", false, "y"}};
  return domains;
}

std::vector<std::string> sorted(ColumnId column, bool descending) {
  static std::vector<Domain> domains;
  domains = four();
  return labels(arrange(domains, {column, descending}, ""));
}

using Labels = std::vector<std::string>;

TEST(DomainTable, SortsNumbersAsNumbersAndTiesByLabel) {
  EXPECT_EQ(sorted(ColumnId::tree, true), (Labels{"2", "1", "iovad-3", "10"}));
  EXPECT_EQ(sorted(ColumnId::tree, false), (Labels{"10", "1", "iovad-3", "2"}));
  EXPECT_EQ(sorted(ColumnId::domain, false), (Labels{"1", "2", "10", "iovad-3"}));
  EXPECT_EQ(sorted(ColumnId::domain, true), (Labels{"iovad-3", "10", "2", "1"}));
}

TEST(DomainTable, UnknownComesLastInBothDirections) {
  EXPECT_EQ(sorted(ColumnId::tree_slope, true), (Labels{"2", "10", "1", "iovad-3"}));
  EXPECT_EQ(sorted(ColumnId::tree_slope, false), (Labels{"10", "2", "1", "iovad-3"}));
  EXPECT_EQ(sorted(ColumnId::verdict, false).front(), "10");
  EXPECT_EQ(sorted(ColumnId::verdict, true).front(), "10");
}

TEST(DomainTable, ConfidenceStartsWithTheWorst) {
  EXPECT_TRUE(first_order(ColumnId::confidence).descending);
  EXPECT_EQ(sorted(ColumnId::confidence, true), (Labels{"10", "2", "iovad-3", "1"}));
}

TEST(DomainTable, EveryColumnSortsByItself) {
  // Two domains of which the second has more in every respect.
  Domain less = plain_domain("a", 1), more = plain_domain("b", 2);
  less.balance.tree.per_second = less.balance.outstanding.per_second = less.balance.cpu_cached.per_second =
      less.balance.depot_cached.per_second = -1;
  more.balance.tree.per_second = more.balance.outstanding.per_second = more.balance.cpu_cached.per_second =
      more.balance.depot_cached.per_second = 1;
  more.balance.outstanding.ranges = more.balance.cpu_cached.ranges = more.balance.depot_cached.ranges = 9;
  more.balance.reserved.ranges = 9;
  more.balance.unaccounted.ranges = 9;
  less.depot.fullest = Fullest{"0", 1, 0.1};
  more.depot.fullest = Fullest{"0", 1, 0.2};
  less.rates =
      Rates{.seconds = 60, .allocations = 1, .tree_allocations = 0.1, .frees = 1, .depot_overflows = 1};
  more.rates =
      Rates{.seconds = 60, .allocations = 2, .tree_allocations = 1, .frees = 2, .depot_overflows = 2};
  more.confidence.state = "lossy";
  less.verdicts = {{"a", true, ""}};
  more.verdicts = {{"b", true, ""}};
  more.type = "Z";
  less.devices = {"a"};
  more.devices = {"b"};
  const std::vector<Domain> both = {less, more};
  for (const Column& column : columns()) {
    EXPECT_EQ(labels(arrange(both, {column.id, true}, "")), (Labels{"b", "a"})) << column.name;
    EXPECT_EQ(labels(arrange(both, {column.id, false}, "")), (Labels{"a", "b"})) << column.name;
  }
}

TEST(DomainTable, FiltersByWordsCaseInsensitively) {
  const std::vector<Domain> domains = four();
  const auto through = [&](std::string_view filter) { return labels(arrange(domains, {}, filter)); };
  EXPECT_EQ(through("nvme"), (Labels{"2"}));
  EXPECT_EQ(through("00:04.0 NVME"), (Labels{"2"}));
  EXPECT_EQ(through("nvme lossy"), Labels{});
  EXPECT_EQ(through("LOSSY"), (Labels{"10"}));
  EXPECT_EQ(through("saturated"), (Labels{"10"}));
  EXPECT_EQ(through("mismatch"), Labels{});  // does not hold
  EXPECT_EQ(through("iovad"), (Labels{"iovad-3"}));
  EXPECT_EQ(through("  "), (Labels{"2", "1", "iovad-3", "10"}));
}

TEST(DomainTable, NamesAndKeysAreUnique) {
  std::set<std::string_view> names;
  std::set<char> keys;
  for (const Column& column : columns()) {
    EXPECT_TRUE(names.insert(column.name).second) << column.name;
    EXPECT_TRUE(column.key == 0 || keys.insert(column.key).second) << column.key;
    EXPECT_EQ(column_by_name(column.name), column.id);
    EXPECT_EQ(rcached::top::column(column.id).name, column.name);
  }
  EXPECT_EQ(column_by_key(U'V'), ColumnId::overflows);
  EXPECT_EQ(column_by_key(0), std::nullopt);
  EXPECT_EQ(column_by_name("trees"), std::nullopt);
}

TEST(DomainTable, ColumnsThatFit) {
  const auto used = [](const std::vector<Column>& chosen) {
    int width = -1;
    for (const Column& column : chosen) width += column.width + 1;
    return width;
  };
  for (int width = 1; width < 300; ++width) {
    const auto chosen = columns_that_fit(width, ColumnId::unaccounted);
    EXPECT_TRUE(used(chosen) <= width || chosen.size() == 1) << width;
    // The sort column is always visible.
    EXPECT_TRUE(std::any_of(chosen.begin(), chosen.end(), [](const Column& column) {
      return column.id == ColumnId::unaccounted || column.id == ColumnId::domain;
    }));
    if (width >= 14) {
      EXPECT_TRUE(std::any_of(chosen.begin(), chosen.end(), [](const Column& column) {
        return column.id == ColumnId::unaccounted;
      })) << width;
    }
  }
  // 80 columns fit the balance sheet with its slopes, the depot, the misses, the overflows and the verdict.
  std::set<ColumnId> at_80;
  for (const Column& column : columns_that_fit(80, ColumnId::tree)) at_80.insert(column.id);
  for (const ColumnId id :
       {ColumnId::domain, ColumnId::tree, ColumnId::tree_slope, ColumnId::outstanding,
        ColumnId::outstanding_slope, ColumnId::cpu_cached, ColumnId::depot_cached, ColumnId::fullest,
        ColumnId::misses, ColumnId::overflows, ColumnId::confidence, ColumnId::verdict}) {
    EXPECT_TRUE(at_80.contains(id)) << column(id).name;
  }
  EXPECT_EQ(columns_that_fit(250, ColumnId::tree).size(), columns().size());
}

TEST(DomainTable, StylesOfProblems) {
  EXPECT_EQ(confidence_style("exact").tone, Tone::good);
  EXPECT_EQ(confidence_style("partial").tone, Tone::warning);
  EXPECT_EQ(confidence_style("lossy").tone, Tone::bad);
  EXPECT_EQ(confidence_style("a new word").tone, Tone::bad);
  EXPECT_EQ(ratio_style(0.5).tone, Tone::normal);
  EXPECT_EQ(ratio_style(0.8).tone, Tone::warning);
  EXPECT_EQ(ratio_style(1.0).tone, Tone::bad);
  EXPECT_EQ(column_text(plain_domain("1"), ColumnId::verdict).text, "-");
}

}  // namespace
}  // namespace rcached::top
