// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/cpus.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/kit/temporary_folder.h"

namespace rcached {

namespace {

class NumaNodes : public ::testing::Test {
 protected:
  void write(const std::string& node, const std::string& cpulist) const {
    std::filesystem::create_directories(root_ / node);
    std::ofstream(root_ / node / "cpulist") << cpulist;
  }

  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
};

TEST_F(NumaNodes, ListsAndRangesBelongToTheirNode) {
  write("node0", "0-1,4\n");
  write("node1", "2,5-6\n");
  std::ofstream(root_ / "possible") << "0-1\n";
  EXPECT_EQ(read_numa_nodes(root_), (std::vector<std::int16_t>{0, 0, 1, -1, 0, 1, 1}));
}

TEST_F(NumaNodes, MemoryOnlyNodesAndInvalidEntriesAreSkipped) {
  write("node0", "0\n");
  write("node1", "\n");
  write("node2", "9-7\n");
  write("node3", "5000\n");
  write("nodeX", "3\n");
  std::filesystem::create_directories(root_ / "node4");
  EXPECT_EQ(read_numa_nodes(root_), std::vector<std::int16_t>{0});
}

TEST_F(NumaNodes, WithoutSysfsNothingIsKnown) { EXPECT_TRUE(read_numa_nodes(root_ / "absent").empty()); }

}  // namespace

}  // namespace rcached
