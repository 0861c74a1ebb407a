// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace rcached {
namespace {

LoadedConfig sample() {
  LoadedConfig loaded;
  loaded.config.http.threads = 3;
  loaded.config.run_directory = "/a: \"b\" #\\";
  loaded.files = {"/e/rcached.yaml"};
  loaded.origins[*find_config_key("http.threads")] = {ValueOrigin::Kind::file, "/e/rcached.yaml", 4, 7};
  loaded.origins[*find_config_key("http.rate")] = {ValueOrigin::Kind::file, "/e/rcached.yaml", 5, 7};
  loaded.origins[*find_config_key("run_directory")] = {ValueOrigin::Kind::command_line};
  return loaded;
}

TEST(YamlScalar, QuotesWhatAReaderMayMisunderstand) {
  for (const char* plain : {"8", "10ms", "true", "127.0.0.1:9731", "/run/rcached", "bounded-127"}) {
    EXPECT_EQ(yaml_scalar(plain), plain);
  }
  EXPECT_EQ(yaml_scalar(""), R"("")");
  EXPECT_EQ(yaml_scalar("/a #b"), R"("/a #b")");
  EXPECT_EQ(yaml_scalar("/a:"), R"("/a:")");
  EXPECT_EQ(yaml_scalar(R"(/"\)"), R"("/\"\\")");
}

TEST(ShowConfig, IsReadBackToTheSame) {
  const LoadedConfig loaded = sample();
  for (const auto& text :
       {show_config(loaded, Shown::all), show_config(loaded, Shown::changed), format_config(loaded.config)}) {
    const auto again = parse_config(text, "printed");
    ASSERT_TRUE(again) << again.error().message << "\n" << text;
    EXPECT_EQ(*again, loaded.config) << text;
  }
}

TEST(ShowConfig, SaysWhereEachValueComesFrom) {
  const std::string text = show_config(sample(), Shown::all);
  EXPECT_EQ(text.find("# /e/rcached.yaml\n"), 0u);
  EXPECT_NE(text.find("\n  threads: 3                        # /e/rcached.yaml:4\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  rate: 0                           # /e/rcached.yaml:5\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  streams: 8                        # default\n"), std::string::npos) << text;
}

TEST(ShowConfig, OnlyWhatDiffers) {
  EXPECT_EQ(show_config(sample(), Shown::changed),
            "# /e/rcached.yaml\n"
            "http:\n"
            "  threads: 3                        # /e/rcached.yaml:4\n"
            "run_directory: \"/a: \\\"b\\\" #\\\\\"      # command line\n");
  LoadedConfig defaults;
  defaults.missing = "/e/rcached.yaml";
  const std::string text = show_config(defaults, Shown::changed);
  EXPECT_EQ(text, "# built-in defaults (there is no /e/rcached.yaml)\n# nothing differs from the defaults\n");
  EXPECT_EQ(parse_config(text, "printed"), Config{});
}

TEST(ShowConfig, AsJson) {
  const auto all = nlohmann::json::parse(show_config_json(sample(), Shown::all));
  EXPECT_EQ(all["files"], nlohmann::json::array({"/e/rcached.yaml"}));
  ASSERT_EQ(all["values"].size(), config_keys().size());
  const auto& threads = all["values"][*find_config_key("http.threads")];
  EXPECT_EQ(threads, nlohmann::json::parse(R"({"key": "http.threads", "value": 3, "default": 8,
      "origin": {"kind": "file", "file": "/e/rcached.yaml", "line": 4}})"));
  EXPECT_EQ(all["values"][*find_config_key("audit.enabled")],
            nlohmann::json::parse(R"({"key": "audit.enabled", "value": true, "default": true,
      "origin": {"kind": "default"}})"));
  const auto changed = nlohmann::json::parse(show_config_json(sample(), Shown::changed));
  ASSERT_EQ(changed["values"].size(), 2u);
  EXPECT_EQ(changed["values"][1]["value"], "/a: \"b\" #\\");
  EXPECT_EQ(changed["values"][1]["origin"], nlohmann::json::parse(R"({"kind": "command line"})"));
}

}  // namespace
}  // namespace rcached
