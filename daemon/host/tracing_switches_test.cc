// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/tracing_switches.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/kit/temporary_folder.h"

namespace rcached {
namespace {

TEST(TracingSwitchesTest, ReadsWhatIsThere) {
  const testing::TemporaryFolder folder;
  const std::string root = folder.path();
  std::filesystem::create_directories(root + "/kprobes");
  std::ofstream(root + "/ftrace_enabled") << "0\n";
  std::ofstream(root + "/kprobes/enabled") << "1\n";
  const TracingSwitches switches = read_tracing_switches(root, root);
  EXPECT_EQ(switches.ftrace, false);
  EXPECT_EQ(switches.kprobes, true);
  std::ofstream(root + "/ftrace_enabled") << "what\n";
  EXPECT_EQ(read_tracing_switches(root, root + "/nothing").ftrace, std::nullopt);
  EXPECT_EQ(read_tracing_switches(root, root + "/nothing").kprobes, std::nullopt);
}

TEST(TracingSwitchesTest, ASwitchMattersToWhatNeedsIt) {
  EXPECT_FALSE(find_disabled({}, true));
  EXPECT_FALSE(find_disabled({true, true}, true));
  EXPECT_EQ(find_disabled({false, true}, false)->reason, "ftrace-disabled");
  EXPECT_EQ(find_disabled({false, false}, true)->reason, "ftrace-disabled");
  EXPECT_EQ(find_disabled({true, false}, true)->reason, "kprobes-disabled");
  EXPECT_FALSE(find_disabled({true, false}, false));
}

}  // namespace
}  // namespace rcached
