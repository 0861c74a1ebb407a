// SPDX-License-Identifier: Apache-2.0
// The generated files are not stale and match the table. schema_test.py compares the schema with the
// parser.
#include "daemon/config/config_docs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "base/yaml.h"
#include "tests/kit/paths.h"

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

TEST(ShowConfig, CanBeReadBackUnchanged) {
  const LoadedConfig loaded = sample();
  for (const auto& text :
       {show_config(loaded, Shown::all), show_config(loaded, Shown::changed), format_config(loaded.config)}) {
    const auto again = parse_config(text, "printed");
    ASSERT_TRUE(again) << again.error().message << "\n" << text;
    EXPECT_EQ(*again, loaded.config) << text;
  }
}

TEST(ShowConfig, ShowsTheOriginOfEachValue) {
  const std::string text = show_config(sample(), Shown::all);
  EXPECT_EQ(text.find("# /e/rcached.yaml\n"), 0u);
  EXPECT_NE(text.find("\n  threads: 3                        # /e/rcached.yaml:4\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  rate: 0                           # /e/rcached.yaml:5\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  streams: 8                        # default\n"), std::string::npos) << text;
}

TEST(ShowConfig, ShowsOnlyWhatDiffers) {
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

// --- generated files

std::string checked_in(const std::string& path) {
  std::ifstream file(std::string(RCACHED_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

constexpr const char* kStale = " is stale: build the target docs-config";

TEST(GeneratedConfigDocs, AreCheckedIn) {
  EXPECT_EQ(checked_in("config/rcached.yaml"), config_example()) << "config/rcached.yaml" << kStale;
  EXPECT_EQ(checked_in("config/rcached.schema.json"), config_schema())
      << "config/rcached.schema.json" << kStale;
  const std::string page = checked_in("docs/config.md");
  EXPECT_EQ(page, config_page(page).value_or("no table of keys")) << "docs/config.md" << kStale;
}

TEST(GeneratedConfigDocs, OnlyTheTableOfThePageIsReplaced) {
  const std::string head = "| key | default | accepted values | meaning |\n|---|---|---|---|\n";
  const auto page = config_page("before\n" + head + "| stale |\n| rows |\n\nafter | this\n");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->find("before\n" + head + "| `source` | `kernel` | one of kernel, synthetic | "), 0u)
      << *page;
  EXPECT_EQ(page->find("stale"), std::string::npos);
  EXPECT_NE(page->find(" |\n\nafter | this\n"), std::string::npos);
  EXPECT_EQ(config_page(*page).value_or(""), *page);
  EXPECT_EQ(*config_page(head), *config_page(head + "| old |")) << "the table ends the page";
  EXPECT_FALSE(config_page("no table"));
  for (const ConfigKey& key : config_keys()) {
    EXPECT_NE(page->find("| `" + std::string(key.path) + "` | `" + yaml_scalar(key.get(Config{})) + "` | " +
                         key.wanted + " | " + std::string(key.description)),
              std::string::npos)
        << key.path;
  }
}

TEST(GeneratedConfigDocs, TheExampleHasEveryKeyWithItsDefault) {
  const std::string text = config_example();
  const auto config = parse_config(text, "config/rcached.yaml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, Config{});
  for (const ConfigKey& key : config_keys()) {
    const std::string leaf(key.path.substr(key.path.rfind('.') + 1));
    EXPECT_NE(text.find(leaf + ": " + yaml_scalar(key.get(Config{})) + "\n"), std::string::npos) << key.path;
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
}

TEST(GeneratedConfigDocs, TheSchemaHasEveryKeyWithItsDefault) {
  const auto schema = nlohmann::json::parse(config_schema());
  for (const ConfigKey& key : config_keys()) {
    const nlohmann::json* node = &schema;
    for (std::string_view rest = key.path; !rest.empty();) {
      const auto name = rest.substr(0, rest.find('.'));
      node = &node->at("properties").at(std::string(name));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    const auto& initial = node->at("default");
    EXPECT_EQ(initial.is_string() ? initial.get<std::string>() : initial.dump(), key.get(Config{}))
        << key.path;
    EXPECT_NE(node->at("description").get<std::string>().find(key.wanted), std::string::npos) << key.path;
  }
}

TEST(GeneratedConfigDocs, TheManualHasEveryKey) {
  std::string text = config_manual();
  for (std::size_t at; (at = text.find("\\-")) != std::string::npos;) text.erase(at, 1);
  for (const ConfigKey& key : config_keys()) {
    const auto at = text.find("\n.TP\n.B " + std::string(key.path) + "\n");
    ASSERT_NE(at, std::string::npos) << key.path;
    const std::string entry = text.substr(at, text.find("\n.", at + 12) - at);
    EXPECT_NE(entry.find(key.wanted), std::string::npos) << entry;
    EXPECT_NE(entry.find("Default: " + yaml_scalar(key.get(Config{}))), std::string::npos) << entry;
    EXPECT_EQ(entry.find("reloadable") != std::string::npos, key.reloadable) << entry;
  }
}

}  // namespace
}  // namespace rcached
