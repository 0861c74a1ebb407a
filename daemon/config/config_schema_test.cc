// SPDX-License-Identifier: Apache-2.0
// What is published says what the table says. That the schema judges as the parser does is tested by
// schema_test.py, with a validator.
#include "daemon/config/config_schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/config/config_keys.h"
#include "daemon/config/config_text.h"
#include "daemon/config/loaded_config.h"
#include "tests/kit/paths.h"

namespace rcached {
namespace {

std::string checked_in(const std::string& path) {
  std::ifstream file(std::string(RCACHED_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ConfigSchema, IsCheckedIn) {
  EXPECT_EQ(checked_in("config/rcached.schema.json"), config_schema())
      << "config/rcached.schema.json is stale: build the target docs-config";
}

TEST(ConfigSchema, HasEveryKeyWithItsDefault) {
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

TEST(ConfigSchema, ThePageHasTheTable) {
  EXPECT_NE(checked_in("docs/config.md").find("|---|---|---|---|\n" + config_table() + "\n"),
            std::string::npos)
      << "docs/config.md lacks the table that `config-doc table` prints:\n"
      << config_table();
}

TEST(ConfigExample, DocumentsEveryKeyWithItsDefault) {
  const std::string text = checked_in("config/rcached.yaml");
  const auto config = parse_config(text, "config/rcached.yaml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, Config{});
  for (const ConfigKey& key : config_keys()) {
    const std::string leaf(key.path.substr(key.path.rfind('.') + 1));
    EXPECT_NE(text.find(leaf + ": " + yaml_scalar(key.get(Config{}))), std::string::npos) << key.path;
  }
}

}  // namespace
}  // namespace rcached
