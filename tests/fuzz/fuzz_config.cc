// SPDX-License-Identifier: Apache-2.0
// rcached.yaml: rejected with a printable message, or accepted, and then equal after printing and parsing.
#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "base/error.h"
#include "daemon/config/config_docs.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/loaded_config.h"
#include "daemon/config/values.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

void check_values(std::string_view text) {
  if (const auto duration = parse_duration(text)) {
    check(duration->count() >= 0, "durations are not negative", text);
    check(parse_duration(format_duration(*duration)) == duration,
          "durations are equal after printing and parsing", text);
  }
  // format_size() prints only whole KiB, and other sizes cannot be configured.
  if (const auto bytes = parse_size(text)) {
    check(parse_size(format_size(*bytes)) == bytes, "sizes are equal after printing and parsing", text);
  }
  check(fuzz::is_printable(printable(text)), "printable() is", text);
}

// The printed form of an accepted value is accepted, and the schema's pattern matches it. Only for one line of
// ASCII, as most values are: std::wregex is slow, and matches single code points.
void check_keys(std::string_view text) {
  static const auto patterns = [] {
    std::vector<std::wregex> made;
    for (const ConfigKey& key : config_keys()) made.emplace_back(key.pattern.begin(), key.pattern.end());
    return made;
  }();
  const auto is_other = [](char c) { return c < 0 || c == '\n'; };
  if (text.size() > 64 || std::any_of(text.begin(), text.end(), is_other)) return;
  const std::wstring wide(text.begin(), text.end());
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const ConfigKey& key = config_keys()[i];
    Config config;
    if (!key.set(config, std::string(text))) {
      check(config == Config{}, "a rejected value changes nothing", text);
      continue;
    }
    check(key.set(config, key.get(config)), "the printed value is accepted", text);
    if (!key.pattern.empty()) check(std::regex_match(wide, patterns[i]), key.path, text);
    if (!key.choices.empty()) {
      const bool listed = std::find(key.choices.begin(), key.choices.end(), text) != key.choices.end();
      check(listed, key.path, text);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  check_values(text);
  check_keys(text);
  const auto config = parse_config(text, "rcached.yaml");
  if (!config) {
    const Error& error = config.error();
    check(error.code == ErrorCode::config, "the error code of an invalid file", error.message);
    check(!error.hint.empty(), "the error has a hint", error.message);
    check(error.message.find("rcached.yaml") != std::string::npos, "the message has the file name",
          error.message);
    check(fuzz::is_printable(error.message), "the message is printable", error.message);
    check(fuzz::is_printable(error.hint), "the hint is printable", error.hint);
    return 0;
  }
  const std::string printed = format_config(*config);
  const auto again = parse_config(printed, "printed.yaml");
  check(again.has_value(), "the printed configuration can be parsed", printed);
  check(*again == *config, "the printed configuration is equal", printed);
  LoadedConfig loaded;
  loaded.config = *config;
  check(parse_config(show_config(loaded, Shown::changed), "shown.yaml") == *config,
        "the shown configuration is equal", printed);
  return 0;
}
