// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/capabilities.h"

#include <gtest/gtest.h>
#include <sys/capability.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <thread>

namespace rcached {
namespace {

// The capability sets ("CapEff", ...) of the calling thread, from /proc.
std::map<std::string, std::uint64_t> sets_of_this_thread() {
  std::map<std::string, std::uint64_t> sets;
  std::ifstream file("/proc/thread-self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("Cap")) sets[line.substr(0, 6)] = std::stoull(line.substr(8), nullptr, 16);
  return sets;
}

TEST(DropCapabilities, KeepsOnlyCapBpfIfTheKernelRequiresIt) {
  std::map<std::string, std::uint64_t> after, of_child;
  bool dropped = false;
  std::thread([&] {
    dropped = drop_capabilities().has_value();
    after = sets_of_this_thread();
    std::thread([&] { of_child = sets_of_this_thread(); }).join();
  }).join();
  ASSERT_TRUE(dropped);
  EXPECT_EQ(after["CapAmb"], 0u);
  EXPECT_EQ(after["CapInh"], 0u);
  EXPECT_EQ(after["CapEff"] & ~(std::uint64_t{1} << CAP_BPF), 0u);
  EXPECT_EQ(after["CapPrm"], after["CapEff"]);
  EXPECT_EQ(of_child["CapEff"], after["CapEff"]);
}

TEST(DropCapabilities, IsIdempotent) {
  std::thread([] {
    EXPECT_TRUE(drop_capabilities());
    const auto once = sets_of_this_thread();
    EXPECT_TRUE(drop_capabilities());
    EXPECT_EQ(sets_of_this_thread(), once);
  }).join();
}

TEST(DropCapabilities, AffectsTheCallingThreadOnly) {
  const auto before = sets_of_this_thread();
  std::thread([] { EXPECT_TRUE(drop_capabilities()); }).join();
  EXPECT_EQ(sets_of_this_thread(), before);
}

}  // namespace
}  // namespace rcached
