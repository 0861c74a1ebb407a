// SPDX-License-Identifier: Apache-2.0
#include "base/process_figures.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace rcached {
namespace {

namespace fs = std::filesystem;

class ProcessFiguresTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_ / "fd"); }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(root_ / name) << text; }

  fs::path root_ = fs::temp_directory_path() / ("rcached-figures-test-" + std::to_string(::getpid()));
};

TEST_F(ProcessFiguresTest, ReadsTheFieldsOfProcfs) {
  write("stat", "42 (a) b (c)) S 1 1 1 0 -1 4194560 10 0 0 0 300 50 7 7 20 0 4 0 100 1000 25\n");
  write("statm", "1000 25 7 1 0 9 0\n");
  for (const char* fd : {"0", "1", "2", "3"}) write(std::string("fd/") + fd, "");
  const ProcessFigures figures = read_process_figures(root_);
  EXPECT_DOUBLE_EQ(figures.cpu_seconds.value(), 350.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(figures.resident_bytes, 25u * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(figures.open_fds, 3u);
}

TEST_F(ProcessFiguresTest, MalformedOrMissingFilesGiveNullopt) {
  write("stat", "42 (cut short) S 1 1");
  write("statm", "");
  ProcessFigures figures = read_process_figures(root_);
  EXPECT_EQ(figures.cpu_seconds, std::nullopt);
  EXPECT_EQ(figures.resident_bytes, std::nullopt);
  EXPECT_EQ(figures.open_fds, std::nullopt);
  fs::remove_all(root_);
  figures = read_process_figures(root_);
  EXPECT_EQ(figures.cpu_seconds, std::nullopt);
  EXPECT_EQ(figures.resident_bytes, std::nullopt);
  EXPECT_EQ(figures.open_fds, std::nullopt);
}

TEST_F(ProcessFiguresTest, FilesThatOpenButCannotBeReadGiveNullopt) {
  for (const char* file : {"stat", "statm"}) fs::create_directory(root_ / file);
  fs::remove_all(root_ / "fd");
  std::ofstream(root_ / "fd") << "not a directory";
  const ProcessFigures figures = read_process_figures(root_);
  EXPECT_EQ(figures.cpu_seconds, std::nullopt);
  EXPECT_EQ(figures.resident_bytes, std::nullopt);
  EXPECT_EQ(figures.open_fds, std::nullopt);
}

TEST(ProcessFigures, OfThisProcess) {
  const ProcessFigures figures = read_process_figures();
  EXPECT_TRUE(figures.cpu_seconds && figures.resident_bytes && figures.open_fds);
}

}  // namespace
}  // namespace rcached
