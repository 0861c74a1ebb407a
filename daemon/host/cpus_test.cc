// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

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

struct CpuListCase {
  const char* name;
  const char* list;
  std::vector<std::uint16_t> ids;  // none: an error
};
void PrintTo(const CpuListCase& row, std::ostream* out) { *out << row.name; }

class PossibleCpuList : public ::testing::TestWithParam<CpuListCase> {};

TEST_P(PossibleCpuList, IsReadFromSysfs) {
  const rcached::testing::TemporaryFolder folder;
  const auto path = std::filesystem::path(folder.path()) / "possible";
  std::ofstream(path) << GetParam().list;
  const auto cpus = possible_cpus(path);
  ASSERT_EQ(cpus.has_value(), !GetParam().ids.empty());
  if (!cpus) {
    EXPECT_EQ(cpus.error().code, ErrorCode::unknown_layout);
    return;
  }
  EXPECT_EQ(cpus->ids, GetParam().ids);
  EXPECT_EQ(cpus->count(), GetParam().ids.size());
  EXPECT_EQ(cpus->end(), GetParam().ids.back() + 1);
}

const CpuListCase kCpuLists[] = {
    {"one", "0\n", {0}},
    {"contiguous", "0-3\n", {0, 1, 2, 3}},
    {"gap", "0-3,8-11\n", {0, 1, 2, 3, 8, 9, 10, 11}},
    {"holes", "0,2,4\n", {0, 2, 4}},
    {"not_from_zero", "1-2", {1, 2}},
    {"highest", "1023\n", {1023}},
    {"beyond_the_highest", "0-1024\n", {}},
    {"beyond_the_highest_after_a_gap", "0-3,1024\n", {}},
    {"empty", "", {}},
    {"words", "all\n", {}},
    {"backward", "3-0\n", {}},
    {"descending", "8,0\n", {}},
    {"twice", "0-2,2\n", {}},
    {"open_range", "0-\n", {}},
    {"trailing_comma", "0,\n", {}},
    {"stride", "0-8:2/4\n", {}},
};

INSTANTIATE_TEST_SUITE_P(Table, PossibleCpuList, ::testing::ValuesIn(kCpuLists),
                         [](const auto& row) { return std::string(row.param.name); });

class SparedCpus : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  using Ids = std::vector<std::uint16_t>;
  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
};

TEST_F(SparedCpus, AreIsolatedOrWithoutTicksOrChosen) {
  write("sys/devices/system/cpu/isolated", "2-3\n");
  write("sys/devices/system/cpu/nohz_full", "3-4\n");
  write("sys/fs/cgroup/cpuset.cpus.isolated", "6\n");
  EXPECT_EQ(spared_cpus({}, root_), (Ids{2, 3, 4, 6}));
  EXPECT_EQ(spared_cpus({9, 1, 2}, root_), (Ids{1, 2, 3, 4, 6, 9}));
}

TEST_F(SparedCpus, WithoutSuchListsOnlyTheChosenOnes) {
  EXPECT_EQ(spared_cpus({}, root_), Ids{});
  write("sys/devices/system/cpu/isolated", "\n");
  write("sys/devices/system/cpu/nohz_full", "(null)\n");
  EXPECT_EQ(spared_cpus({}, root_), Ids{});
  EXPECT_EQ(spared_cpus({5}, root_), Ids{5});
}

TEST(KeepOff, TheThreadRunsOnTheOtherCpus) {
  cpu_set_t before, after;
  ASSERT_EQ(sched_getaffinity(getpid(), sizeof(before), &before), 0);
  std::vector<std::uint16_t> allowed;
  for (std::uint16_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &before)) allowed.push_back(cpu);
  std::thread([&] {
    EXPECT_FALSE(keep_off(allowed)) << "there are no others";
    if (allowed.size() == 1) return;
    EXPECT_TRUE(keep_off({allowed[0]}));
    ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
    EXPECT_FALSE(CPU_ISSET(allowed[0], &after));
    EXPECT_EQ(CPU_COUNT(&after), CPU_COUNT(&before) - 1);
    EXPECT_FALSE(keep_off(allowed)) << "there are no others";
    EXPECT_TRUE(keep_off({allowed[1]})) << "instead of the one before";
    ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
    EXPECT_TRUE(CPU_ISSET(allowed[0], &after));
    EXPECT_FALSE(CPU_ISSET(allowed[1], &after));
  }).join();
  ASSERT_EQ(sched_getaffinity(getpid(), sizeof(after), &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after)) << "only that thread";
}

TEST(PossibleCpus, AMissingListIsNamed) {
  const auto cpus = possible_cpus("/no/such/list");
  ASSERT_FALSE(cpus);
  EXPECT_NE(cpus.error().message.find("/no/such/list"), std::string::npos);
}

TEST(PossibleCpus, ValuesOfAPerCpuMapBelongToTheIds) {
  const PossibleCpus cpus{{0, 1, 8, 11}};
  EXPECT_EQ(cpus.count(), 4u);
  EXPECT_EQ(cpus.end(), 12);
  EXPECT_TRUE(cpus.contains(8));
  EXPECT_FALSE(cpus.contains(2));
  std::vector<char> values(4 * 16);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t value = 100 + i;
    std::memcpy(values.data() + i * 16, &value, sizeof(value));
  }
  EXPECT_EQ(cpus.by_id<std::uint32_t>(values, 16),
            (std::vector<std::uint32_t>{100, 101, 0, 0, 0, 0, 0, 0, 102, 0, 0, 103}));
  EXPECT_EQ(cpus.by_id<std::uint32_t>({}, 16), std::vector<std::uint32_t>(12)) << "could not be read";
}

}  // namespace

}  // namespace rcached
