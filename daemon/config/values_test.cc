// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/values.h"

#include <gtest/gtest.h>

#include <string>

namespace rcached {
namespace {

TEST(Values, PathsAreCountedInCharactersAndContainNoControlCharacters) {
  std::string umlauts = "/";
  for (int i = 0; i < 1023; ++i) umlauts += "\xc3\xbc";
  EXPECT_TRUE(is_absolute_path(umlauts));
  EXPECT_FALSE(is_absolute_path(umlauts + "x"));
  EXPECT_FALSE(is_absolute_path("/\xc2\x85"));  // the control character U+0085
  EXPECT_TRUE(is_absolute_path("/\xc2\xa0"));
  EXPECT_FALSE(is_absolute_path("x"));
  EXPECT_FALSE(is_absolute_path("/" + std::string(80, 'x') + "\n"));
  EXPECT_FALSE(is_socket_directory("/\xc3\xbc"));
}

TEST(Values, ListsOfCpus) {
  for (const char* list : {"0", "8", "2-3,8", "0-1023", "10,100,1000"})
    EXPECT_TRUE(is_cpu_list(list)) << list;
  for (const char* list : {"", "1024", "3-2", "2,", "2-", "01", "2-03", "1,00", "all", "1 "})
    EXPECT_FALSE(is_cpu_list(list)) << list;
}

}  // namespace
}  // namespace rcached
