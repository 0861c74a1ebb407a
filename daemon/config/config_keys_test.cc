// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace rcached {
namespace {

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

// The number in a text such as "10ms", in the smallest unit; nothing if it is not written as such.
std::optional<double> magnitude(const std::string& text, const std::regex& form) {
  static const std::map<std::string, double> units = {
      {"", 1}, {"ms", 1}, {"s", 1000}, {"KiB", 1024}, {"MiB", 1 << 20}};
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  return std::stod(match[1]) * units.at(match[2]);
}

// The range in "... from LOW to HIGH ...": what is documented is what is accepted.
struct Range {
  double low, high;
};

std::optional<Range> documented_range(const std::string& wanted) {
  std::smatch match;
  static const std::regex range(
      "(?:an integer|a duration|a size) from ([0-9]+)([a-zA-Z]*) to (2\\^64-1|[0-9]+)([a-zA-Z]*).*");
  if (!std::regex_match(wanted, match, range)) return std::nullopt;
  static const std::regex form("([0-9]+)([a-zA-Z]*)");
  const std::string high = match[3] == "2^64-1" ? "18446744073709551615" : match[3].str() + match[4].str();
  return Range{*magnitude(match[1].str() + match[2].str(), form), *magnitude(high, form)};
}

TEST(ConfigKeys, AcceptWhatIsDocumented) {
  int ranges = 0;
  for (const ConfigKey& key : config_keys()) {
    const auto range = documented_range(key.wanted);
    ranges += range.has_value();
    const bool is_integer = key.kind == ConfigKey::Kind::integer;
    const std::regex form(!range ? "" : is_integer ? "(0|[1-9][0-9]*)()" : key.pattern);
    int accepted = 0;
    for (const std::string& text : texts()) {
      Config config;
      const bool taken = key.set(config, text);
      if (taken) {
        ++accepted;
        EXPECT_TRUE(key.set(config, key.get(config))) << key.path << ": " << text;
      } else {
        EXPECT_EQ(config, Config{}) << key.path << " is changed by " << text;
      }
      if (!key.choices.empty()) {
        EXPECT_EQ(taken, std::find(key.choices.begin(), key.choices.end(), text) != key.choices.end())
            << key.path << ": " << text;
      } else if (range) {
        const auto number = magnitude(text, form);
        // A double does not distinguish 2^64 and 2^64-1.
        const bool in_range =
            number && *number >= range->low && *number <= range->high && text != "18446744073709551616";
        EXPECT_EQ(taken, in_range) << key.path << ": " << text;
      }
    }
    EXPECT_GT(accepted, 0) << key.path;
  }
  EXPECT_GE(ranges, 16) << "integers, durations and sizes";
}

// The patterns of the schema match everything that a key accepts. What they do not match is rejected; what
// they match is rejected only for a number in it, or its length.
TEST(ConfigKeys, PatternsMatchAllAcceptedValues) {
  const auto wide = [](const std::string& ascii) { return std::wstring(ascii.begin(), ascii.end()); };
  for (const ConfigKey& key : config_keys()) {
    if (key.kind != ConfigKey::Kind::text || !key.choices.empty()) {
      EXPECT_EQ(key.pattern, "") << key.path;
      continue;
    }
    const std::wregex pattern(wide(key.pattern));  // std::regex does not support code points above 0x7f
    for (const std::string& text : texts()) {
      Config config;
      const bool taken = key.set(config, text);
      const bool matches = std::regex_match(wide(text), pattern);
      if (taken) {
        EXPECT_TRUE(matches) << key.path << ": " << text;
      }
      if (key.max_characters > 0) {
        EXPECT_EQ(taken, matches && text.size() <= key.max_characters) << key.path << ": " << text;
      }
    }
  }
}

// --- suggestions

std::string suggested(std::string_view path, const std::string& text) {
  return suggest_value(config_keys()[*find_config_key(path)], text).value_or("nothing");
}

TEST(Suggestion, OtherSpellingsOfAValue) {
  EXPECT_EQ(suggested("audit.enabled", "Yes"), "true");
  EXPECT_EQ(suggested("audit.enabled", "off"), "false");
  EXPECT_EQ(suggested("audit.enabled", "FALSE"), "false");
  EXPECT_EQ(suggested("audit.enabled", "treu"), "true");
  EXPECT_EQ(suggested("http.threads", "08"), "8");
  EXPECT_EQ(suggested("http.streams", "000"), "0");
  EXPECT_EQ(suggested("http.threads", "+8"), "8");
  EXPECT_EQ(suggested("synthetic.rate", "50_000"), "50000");
  EXPECT_EQ(suggested("synthetic.rate", "50,000"), "50000");
  EXPECT_EQ(suggested("kernel.ring_size", "4M"), "4MiB");
  EXPECT_EQ(suggested("kernel.ring_size", "4 MB"), "4MiB");
  EXPECT_EQ(suggested("kernel.ring_size", "512kb"), "512KiB");
  EXPECT_EQ(suggested("history.size", "1GiB"), "1024MiB");
  EXPECT_EQ(suggested("audit.interval", "1h"), "3600s");
  EXPECT_EQ(suggested("audit.interval", "2m"), "120s");
  EXPECT_EQ(suggested("audit.interval", "90 sec"), "90s");
  EXPECT_EQ(suggested("http.listen", "http://127.0.0.1:9731/metrics"), "127.0.0.1:9731");
  EXPECT_EQ(suggested("http.listen", "127.0.0.1"), "127.0.0.1:9731");
  EXPECT_EQ(suggested("http.listen", "[::1]:9731"), "127.0.0.1:9731");
  EXPECT_EQ(suggested("log.level", "Info"), "info");
  EXPECT_EQ(suggested("source", "kernl"), "kernel");
}

TEST(Suggestion, NoneIfNothingIsSimilar) {
  EXPECT_EQ(suggested("http.threads", "65"), "nothing");
  EXPECT_EQ(suggested("http.threads", "many"), "nothing");
  EXPECT_EQ(suggested("http.threads", ""), "nothing");
  EXPECT_EQ(suggested("http.listen", ":9731"), "nothing");
  EXPECT_EQ(suggested("textfile.path", "/T/X.PROM"), "nothing");
  EXPECT_EQ(suggested("textfile.path", "  "), "nothing");
  EXPECT_EQ(suggested("kernel.ring_size", "99999999999999999999GiB"), "nothing");
  EXPECT_EQ(suggested("audit.enabled", std::string(100'000, 'y')), "nothing");
}

}  // namespace
}  // namespace rcached
