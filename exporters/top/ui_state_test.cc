// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/ui_state.h"

#include <gtest/gtest.h>

#include "exporters/top/testing/sample_data.h"

namespace rcached::top {
namespace {

using testing::plain_domain;

class UiKeys : public ::testing::Test {
 protected:
  // By tree: c, b, a.
  UiKeys() { domains_.domains = {plain_domain("1", 10), plain_domain("2", 20), plain_domain("3", 30)}; }

  void press(std::u32string_view keys) {
    for (const char32_t key : keys) handle_key(state_, {key, Special::none}, domains_, 10);
  }
  void press(Special key) { handle_key(state_, {0, key}, domains_, 10); }
  std::string shown() const { return shown_domain(state_, domains_); }

  Domains domains_;
  UiState state_;
};

TEST_F(UiKeys, ViewsByNumberAndTab) {
  press(U"3");
  EXPECT_EQ(state_.view, ViewKind::cpus);
  press(Special::tab);
  EXPECT_EQ(state_.view, ViewKind::notes);
  press(Special::back_tab);
  press(Special::back_tab);
  EXPECT_EQ(state_.view, ViewKind::domain);
  press(Special::escape);
  EXPECT_EQ(state_.view, ViewKind::domains);
  press(Special::back_tab);
  EXPECT_EQ(state_.view, ViewKind::daemon);
  press(U"6");
  EXPECT_EQ(state_.view, ViewKind::daemon);
}

TEST_F(UiKeys, SelectionMovesAndStaysWithItsDomain) {
  EXPECT_EQ(shown(), "3");
  press(Special::down);
  EXPECT_EQ(shown(), "2");
  press(U"r");  // reversed: still domain 2
  EXPECT_EQ(shown(), "2");
  press(Special::end);
  EXPECT_EQ(shown(), "3");
  press(Special::page_up);
  EXPECT_EQ(shown(), "1");
  press(U"k");
  EXPECT_EQ(shown(), "1");
  press(Special::enter);
  EXPECT_EQ(state_.view, ViewKind::domain);
  EXPECT_EQ(shown(), "1");
}

TEST_F(UiKeys, TheShownDomainIsKeptIfTheOrderChanges) {
  press(Special::enter);
  EXPECT_EQ(shown(), "3");
  domains_.domains[0].balance.tree.ranges = 99;
  EXPECT_EQ(shown(), "3");
  domains_.domains.pop_back();  // gone: its view must report it
  EXPECT_EQ(shown(), "3");
  press(Special::escape);
  EXPECT_EQ(shown(), "1");
}

TEST_F(UiKeys, NextDomainInTheViewsOfOne) {
  press(U"3");
  EXPECT_EQ(shown(), "3");
  press(Special::right);
  EXPECT_EQ(shown(), "2");
  press(Special::right);
  press(Special::right);
  EXPECT_EQ(shown(), "3");
  press(Special::left);
  EXPECT_EQ(shown(), "1");
}

TEST_F(UiKeys, SortKeys) {
  press(U"V");
  EXPECT_EQ(state_.order, (SortOrder{ColumnId::overflows, true}));
  press(U"V");
  EXPECT_EQ(state_.order, (SortOrder{ColumnId::overflows, false}));
  press(U"r");
  EXPECT_TRUE(state_.order.descending);
  press(U"D");
  EXPECT_EQ(state_.order, (SortOrder{ColumnId::domain, false}));
  press(Special::right);
  EXPECT_EQ(state_.order.column, ColumnId::tree);
  press(Special::left);
  press(Special::left);
  EXPECT_EQ(state_.order.column, ColumnId::devices);
  // Every column can be reached.
  for (std::size_t i = 0; i < columns().size(); ++i) press(Special::right);
  EXPECT_EQ(state_.order.column, ColumnId::devices);
  press(U"5V");  // no table there
  EXPECT_EQ(state_.order.column, ColumnId::devices);
}

TEST_F(UiKeys, FilterIsTypedAndCleared) {
  press(U"/qr? ü");
  EXPECT_TRUE(state_.editing_filter);
  EXPECT_FALSE(state_.quit || state_.help);
  EXPECT_EQ(state_.filter, "qr? ü");
  press(Special::backspace);
  press(Special::backspace);
  EXPECT_EQ(state_.filter, "qr?");
  press(U"\x1b\x7f\x01");
  EXPECT_EQ(state_.filter, "qr?");
  press(Special::enter);
  EXPECT_FALSE(state_.editing_filter);
  EXPECT_EQ(state_.filter, "qr?");
  press(Special::escape);
  EXPECT_EQ(state_.filter, "");
  press(U"/x");
  press(Special::escape);
  EXPECT_EQ(state_.filter, "");
  EXPECT_FALSE(state_.editing_filter);
  press(U"/" + std::u32string(1000, U'x'));
  EXPECT_LE(state_.filter.size(), 64u);
}

TEST_F(UiKeys, FilteredDomainsAreNotSelected) {
  press(Special::down);
  EXPECT_EQ(shown(), "2");
  press(U"/3");
  EXPECT_EQ(shown(), "3");
  press(U"x");
  EXPECT_EQ(shown(), "");
  press(Special::down);
  press(Special::enter);
  press(Special::enter);
  EXPECT_EQ(shown(), "");
}

TEST_F(UiKeys, TogglesAndRequests) {
  press(U" ");
  EXPECT_TRUE(state_.paused);
  press(U" ");
  EXPECT_FALSE(state_.paused);
  press(U"u");
  EXPECT_TRUE(state_.refresh);
  press(U"\x0c");
  EXPECT_TRUE(state_.redraw);
  press(U"n");
  EXPECT_TRUE(state_.numbers);
  press(U"?");
  EXPECT_TRUE(state_.help);
  press(Special::escape);
  EXPECT_FALSE(state_.help);
  press(Special::help);
  press(U"2");
  EXPECT_FALSE(state_.help);
  press(U"q");
  EXPECT_TRUE(state_.quit);
}

TEST_F(UiKeys, ScrollingNeverGoesBelowTheTop) {
  press(U"4");
  press(Special::up);
  EXPECT_EQ(state_.scroll[3], 0);
  press(Special::page_down);
  EXPECT_EQ(state_.scroll[3], 9);
  for (int i = 0; i < 5000; ++i) press(Special::end);
  EXPECT_LE(state_.scroll[3], 1'000'000);
  press(Special::home);
  EXPECT_EQ(state_.scroll[3], 0);
  EXPECT_EQ(state_.scroll[0], 0);
}

TEST_F(UiKeys, NothingToSelectIsNoError) {
  domains_.domains.clear();
  for (int key = 0; key <= static_cast<int>(Special::help); ++key) press(static_cast<Special>(key));
  for (char32_t c = 1; c < 0x80; ++c) press(std::u32string(1, c));
  EXPECT_EQ(shown(), "");
}

}  // namespace
}  // namespace rcached::top
