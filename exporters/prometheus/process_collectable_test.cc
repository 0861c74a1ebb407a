// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/process_collectable.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>

namespace rcached {
namespace {

namespace fs = std::filesystem;

class ProcessCollectableTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_ / "fd"); }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(root_ / name) << text; }

  std::map<std::string, double> collect() {
    std::map<std::string, double> values;
    for (const auto& family : ProcessCollectable(root_).Collect()) {
      const auto& sample = family.metric.at(0);
      values[family.name] =
          family.type == prometheus::MetricType::Counter ? sample.counter.value : sample.gauge.value;
    }
    return values;
  }

  fs::path root_ = fs::temp_directory_path() / ("rcached-process-test-" + std::to_string(::getpid()));
};

TEST_F(ProcessCollectableTest, ReadsTheFieldsOfProcfs) {
  write("stat", "42 (a) b (c)) S 1 1 1 0 -1 4194560 10 0 0 0 300 50 7 7 20 0 4 0 100 1000 25\n");
  write("statm", "1000 25 7 1 0 9 0\n");
  for (const char* fd : {"0", "1", "2", "3"}) write(std::string("fd/") + fd, "");
  const auto values = collect();
  EXPECT_DOUBLE_EQ(values.at("process_cpu_seconds_total"),
                   350.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  EXPECT_DOUBLE_EQ(values.at("process_resident_memory_bytes"),
                   25.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  EXPECT_DOUBLE_EQ(values.at("process_open_fds"), 3);
}

TEST_F(ProcessCollectableTest, LeavesOutWhatCannotBeRead) {
  write("stat", "42 (cut short) S 1 1");
  write("statm", "");
  EXPECT_TRUE(collect().empty());
  fs::remove_all(root_);
  EXPECT_TRUE(collect().empty());
}

TEST(ProcessCollectable, SeesThisProcess) {
  const auto families = ProcessCollectable().Collect();
  ASSERT_EQ(families.size(), 3u);
  EXPECT_GT(families[1].metric.at(0).gauge.value, 1e6) << "resident bytes of a running test";
  EXPECT_GE(families[2].metric.at(0).gauge.value, 3) << "stdin, stdout and stderr";
}

}  // namespace
}  // namespace rcached
