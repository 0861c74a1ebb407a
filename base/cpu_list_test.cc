// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_list.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

using Ids = std::vector<std::uint16_t>;

TEST(CpuList, IsParsed) {
  EXPECT_EQ(parse_cpu_list("0", 8), Ids({0}));
  EXPECT_EQ(parse_cpu_list("2-3,8", 16), Ids({2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("7,0-1", 8), Ids({7, 0, 1})) << "in the order of the text";
  EXPECT_EQ(parse_cpu_list("65535", 65536), Ids({65535}));
}

TEST(CpuList, AnythingElseIsRefused) {
  for (const char* text : {"", " ", "a", "-1", "1-", "1,", ",1", "3-2", "1 2", "1, 2", "1-2-3", "2-8", "8",
                           "0x1", "1.5", "99999999999", "(null)", "1\n"})
    EXPECT_FALSE(parse_cpu_list(text, 8)) << text;
}

TEST(CpuList, IsWrittenWithRanges) {
  for (const char* text : {"0", "2-3", "0-3,8,10-11", "1,3,5-6"})
    EXPECT_EQ(format_cpu_list(*parse_cpu_list(text, 16)), text);
  EXPECT_EQ(format_cpu_list({}), "");
}

}  // namespace
}  // namespace rcached
