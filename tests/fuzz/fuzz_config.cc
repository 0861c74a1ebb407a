// SPDX-License-Identifier: Apache-2.0
// rcached.yaml: rejected with a message that fits a terminal, or accepted and printed as the same again.
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
    check(parse_duration(format_duration(*duration)) == duration, "durations are printed as they are read",
          text);
  }
  // format_size() prints whole KiB only, which is also all that can be written.
  if (const auto bytes = parse_size(text)) {
    check(parse_size(format_size(*bytes)) == bytes, "sizes are printed as they are read", text);
  }
  check(fuzz::is_printable(printable(text)), "printable() is", text);
}

// What a key accepts is printed as something that it accepts, and the schema's pattern matches it. Only one
// line of ASCII, as most values are: std::wregex is slow, and matches single code points.
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
    check(key.set(config, key.get(config)), "what is printed is accepted", text);
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
    check(error.code == ErrorCode::config, "the code of a bad file", error.message);
    check(!error.hint.empty(), "says what to do", error.message);
    check(error.message.find("rcached.yaml") != std::string::npos, "names the file", error.message);
    check(fuzz::is_printable(error.message), "the message fits a terminal", error.message);
    check(fuzz::is_printable(error.hint), "the hint fits a terminal", error.hint);
    return 0;
  }
  const std::string printed = format_config(*config);
  const auto again = parse_config(printed, "printed.yaml");
  check(again.has_value(), "what is printed can be read", printed);
  check(*again == *config, "what is printed is the same", printed);
  LoadedConfig loaded;
  loaded.config = *config;
  check(parse_config(show_config(loaded, Shown::changed), "shown.yaml") == *config,
        "what is shown is the same", printed);
  return 0;
}
