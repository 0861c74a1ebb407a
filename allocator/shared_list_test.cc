// SPDX-License-Identifier: Apache-2.0
#include "allocator/shared_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace rcached {
namespace {

using List = SharedList<std::string>;

TEST(SharedList, CopiesShareTheirElementsUntilOneIsWrittenTo) {
  List list = {"a", "b"};
  List copy = list;
  EXPECT_EQ(&std::as_const(copy)[0], &std::as_const(list)[0]);
  copy[0] = "c";
  EXPECT_EQ(std::as_const(list)[0], "a");
  EXPECT_EQ(std::as_const(copy)[0], "c");
  EXPECT_EQ(&std::as_const(copy)[1], &std::as_const(list)[1]);
}

TEST(SharedList, AnElementOfItsOwnIsWrittenInPlace) {
  List list = {"a"};
  const std::string* before = &std::as_const(list)[0];
  list[0] = "b";
  EXPECT_EQ(&std::as_const(list)[0], before);
}

TEST(SharedList, ElementsThatWereAssignedTogetherAreWrittenOneByOne) {
  List list;
  list.assign(3, "x");
  list[1] = "y";
  EXPECT_EQ(std::as_const(list).at(0), "x");
  EXPECT_EQ(std::as_const(list).at(1), "y");
}

TEST(SharedList, IsAContainer) {
  List list;
  list.emplace_back() = "b";
  list.push_back("a");
  EXPECT_EQ(*std::min_element(list.begin(), list.end()), "a");
  EXPECT_EQ(list.end() - list.begin(), 2);
  EXPECT_EQ(list.begin()[1].size(), 1u);
  list.erase(list.begin());
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(std::as_const(list).front(), "a");
  list.pop_back();
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace rcached
