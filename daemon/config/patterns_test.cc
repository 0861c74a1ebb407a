// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/patterns.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "daemon/config/config_keys.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

TEST(Patterns, NumbersOfARangeAndNoOthers) {
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges = {
      {0, 0},     {0, 9},     {0, 64},     {1, 64},     {7, 7},   {100, 100},
      {95, 1003}, {100, 999}, {101, 1000}, {123, 1987}, {2, 1024}};
  for (const auto& [low, high] : ranges) {
    const std::regex pattern(number_pattern(low, high));
    for (std::uint64_t number = 0; number <= 2100; ++number) {
      EXPECT_EQ(std::regex_match(std::to_string(number), pattern), low <= number && number <= high)
          << number << " in " << low << ".." << high;
    }
    EXPECT_FALSE(std::regex_match("0" + std::to_string(high), pattern));
    EXPECT_FALSE(std::regex_match("", pattern));
  }
}

TEST(Patterns, TheLargestNumber) {
  const std::regex pattern(number_pattern(0, ~std::uint64_t{0}));
  EXPECT_TRUE(std::regex_match("18446744073709551615", pattern));
  EXPECT_TRUE(std::regex_match("9999999999999999999", pattern));
  EXPECT_FALSE(std::regex_match("18446744073709551616", pattern));
  EXPECT_FALSE(std::regex_match("20000000000000000000", pattern));
  EXPECT_FALSE(std::regex_match("100000000000000000000", pattern));
}

// Numbers at and around every bound and unit that occurs in the table.
std::vector<std::string> texts() {
  std::set<std::uint64_t> numbers;
  for (const std::uint64_t base :
       {0ul,       1ul,       2ul,       3ul,         50ul,        60ul,         64ul,
        99ul,      100ul,     120ul,     127ul,       128ul,       255ul,        256ul,
        512ul,     1000ul,    1024ul,    2048ul,      3600ul,      60'000ul,     65'535ul,
        100'000ul, 120'000ul, 262'144ul, 1'048'576ul, 3'600'000ul, 10'000'000ul, ~0ul}) {
    for (const std::uint64_t near : {base - 1, base, base + 1}) numbers.insert(near);
  }
  std::vector<std::string> out = {"",
                                  "/",
                                  "/x",
                                  "/x.prom",
                                  ".prom",
                                  "/.prom",
                                  "x/y.prom",
                                  "true",
                                  "false",
                                  "True",
                                  "kernel",
                                  "auto",
                                  "kernels",
                                  "bounded-128",
                                  "bounded-12",
                                  "steady",
                                  "info",
                                  "127.0.0.1:1",
                                  "localhost:1",
                                  "1.2.3:4",
                                  "01.2.3.4:5",
                                  "1.2.3.4.5:6",
                                  "256.0.0.1:1",
                                  "1.2.3.4:0",
                                  "1.2.3.4:65535",
                                  "1.2.3.4:65536",
                                  "1.2.3.4:080",
                                  " 127.0.0.1:1",
                                  "Localhost:1",
                                  "/a b",
                                  "/\x01",
                                  "/a\x7f",
                                  "/a\nb",
                                  "/" + std::string(98, 'a'),
                                  "/" + std::string(99, 'a')};
  for (const std::uint64_t number : numbers) {
    for (const char* unit : {"", "ms", "s", "KiB", "MiB", "m", "GiB", " s", "MS", "0ms"}) {
      for (const char* sign : {"", "0", "-", "+"}) out.push_back(sign + std::to_string(number) + unit);
    }
  }
  return out;
}

std::wstring wide(const std::string& ascii) { return {ascii.begin(), ascii.end()}; }

TEST(Patterns, AcceptWhatTheKeysAccept) {
  for (const ConfigKey& key : config_keys()) {
    const std::wregex pattern(wide(key.pattern));  // std::regex knows no code points over 0x7f
    int accepted = 0;
    for (const std::string& text : texts()) {
      Config config;
      const bool taken = key.set(config, text);
      EXPECT_EQ(std::regex_match(wide(text), pattern), taken) << key.path << ": " << text;
      if (taken) {
        ++accepted;
        EXPECT_TRUE(key.set(config, key.get(config))) << key.path << ": " << text;
      } else {
        EXPECT_EQ(config, Config{}) << key.path << " is changed by " << text;
      }
    }
    EXPECT_GT(accepted, 0) << key.path;
  }
}

TEST(Values, PathsAreCountedInCharactersAndHoldNoControlCharacters) {
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

}  // namespace
}  // namespace rcached
