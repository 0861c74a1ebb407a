// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/contents_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rcached {
namespace {

using testing::ElementsAre;

// The digests were made by another program (Python) from the format as the header tells it.
TEST(ContentsLines, OnePerCpuDepotAndTree) {
  DomainContents contents;
  CpuContents& cpu0 = contents.cpus.emplace_back();
  cpu0.orders[0] = {{0xfffff, 0xffffe}, {0xffffd}};
  cpu0.orders[5] = {{}, {0xffe00}};
  CpuContents& cpu7 = contents.cpus.emplace_back();
  cpu7.cpu = 7;
  cpu7.orders[0] = {{0xffffc}, {}};
  contents.cpus.emplace_back().cpu = 8;  // holds nothing
  contents.depots[1] = {{1, 2}, {3, 4}};
  contents.tree = {{0x10, 0x1f}, {0xffffd, 0xfffff}};
  EXPECT_THAT(contents_lines("3", contents),
              ElementsAre("cpu 3 0 0 2 1 08aa6b7b2a5e92d7", "cpu 3 5 0 0 1 bb1dbd4c99eec5df",
                          "cpu 3 0 7 1 0 bb1d714c99ee44bb", "depot 3 1 2 be7a5e775165785d",
                          "tree 3 2 217e90fb773a8378"));
}

TEST(ContentsLines, AnEmptyDomainHasAnEmptyTree) {
  EXPECT_THAT(contents_lines("iovad-2", {}), ElementsAre("tree iovad-2 0 cbf29ce484222325"));
}

TEST(ContentsLines, OrderCounts) {
  const auto line = [](Pfns loaded, Pfns prev) {
    DomainContents contents;
    contents.cpus.emplace_back().orders[0] = {std::move(loaded), std::move(prev)};
    return contents_lines("1", contents).front();
  };
  EXPECT_NE(line({1, 2}, {}), line({2, 1}, {}));
  EXPECT_NE(line({1}, {2}), line({1, 2}, {}));  // same digest, other counts
  EXPECT_EQ(line({1}, {2}).substr(14), line({1, 2}, {}).substr(14));
}

}  // namespace
}  // namespace rcached
