// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/suggestion.h"

#include <gtest/gtest.h>

#include <string>

namespace rcached {
namespace {

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

TEST(Suggestion, NoneWhereNothingIsLikely) {
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
