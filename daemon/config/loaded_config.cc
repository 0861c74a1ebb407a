// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/loaded_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/config/config_files.h"
#include "daemon/config/config_layer.h"
#include "daemon/config/suggestion.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

void apply(const ConfigLayer& layer, LoadedConfig& loaded) {
  for (const Setting& setting : layer.settings) {
    config_keys()[setting.key].set(loaded.config, setting.text);
    loaded.origins[setting.key] = {ValueOrigin::Kind::file, layer.origin, setting.line, setting.column};
  }
}

std::string place(const LoadedConfig& loaded, std::string_view path) {
  const ValueOrigin& origin = loaded.origins[*find_config_key(path)];
  return origin.kind == ValueOrigin::Kind::file
             ? fmt::format("{}:{}:{}", origin.file, origin.line, origin.column)
             : origin.text();
}

// Rules over several keys. The JSON schema has them too.
Expected<void> check_together(const LoadedConfig& loaded) {
  const Config::Pipeline& pipeline = loaded.config.pipeline;
  if (pipeline.drain_interval <= kLongestDrainOfShortSnapshots ||
      pipeline.snapshot_interval >= kShortestSnapshotOfLongDrains)
    return {};
  return fail(
      ErrorCode::config,
      fmt::format(
          "'pipeline.snapshot_interval' is {} ({}), too short for the 'pipeline.drain_interval' of {} ({})",
          format_duration(pipeline.snapshot_interval), place(loaded, "pipeline.snapshot_interval"),
          format_duration(pipeline.drain_interval), place(loaded, "pipeline.drain_interval")),
      fmt::format("write a snapshot interval of at least {}, or a drain interval of at most {}",
                  format_duration(kShortestSnapshotOfLongDrains),
                  format_duration(kLongestDrainOfShortSnapshots)));
}

// One file over the defaults.
Expected<LoadedConfig> load_alone(const ConfigLayer& layer) {
  LoadedConfig loaded;
  apply(layer, loaded);
  RCACHED_CHECK(check_together(loaded));
  return loaded;
}

// Each file must be right by itself: it can then be checked, by the schema too, without the others.
Expected<void> add_file(const std::string& path, LoadedConfig& loaded) {
  RCACHED_TRY(const auto text, read_config_file(path));
  RCACHED_TRY(const auto layer, read_config_layer(text, printable_path(path)));
  RCACHED_CHECK(load_alone(layer));
  apply(layer, loaded);
  loaded.files.push_back(layer.origin);
  return {};
}

}  // namespace

std::string ValueOrigin::text() const {
  switch (kind) {
    case Kind::file:
      return fmt::format("{}:{}", file, line);
    case Kind::command_line:
      return "command line";
    case Kind::built_in:
      break;
  }
  return "default";
}

std::string LoadedConfig::summary() const {
  if (!files.empty()) return fmt::format("{}", fmt::join(files, ", "));
  return fmt::format("built-in defaults (there is no {})", missing);
}

Expected<LoadedConfig> load_config(const ConfigRequest& request) {
  LoadedConfig loaded;
  const std::string& main = request.path ? *request.path : request.default_path;
  if (!request.path && !config_file_exists(main)) {
    loaded.missing = main;
  } else if (auto added = add_file(main, loaded); !added) {
    return tl::unexpected(added.error());
  }
  RCACHED_TRY(const auto drop_ins, list_drop_ins(main));
  for (const std::string& path : drop_ins) {
    RCACHED_CHECK(add_file(path, loaded));
  }
  for (const auto& [path, text] : request.overrides) {
    const auto index = find_config_key(path);
    if (!index || !config_keys()[*index].set(loaded.config, text)) {
      return fail(ErrorCode::usage, fmt::format("wrong value '{}' for '{}'", printable(text), path),
                  index ? value_hint(config_keys()[*index], text) : "see docs/config.md for the keys");
    }
    loaded.origins[*index] = {ValueOrigin::Kind::command_line};
  }
  RCACHED_CHECK(check_together(loaded));
  return loaded;
}

Expected<Config> parse_config(std::string_view text, const std::string& origin) {
  RCACHED_TRY(const auto layer, read_config_layer(text, origin));
  RCACHED_TRY(auto loaded, load_alone(layer));
  return std::move(loaded.config);
}

std::vector<ConfigChange> changed_keys(const Config& before, const Config& after) {
  std::vector<ConfigChange> changes;
  for (const ConfigKey& key : config_keys()) {
    std::string old_text = key.get(before), new_text = key.get(after);
    if (old_text != new_text) changes.push_back({&key, std::move(old_text), std::move(new_text)});
  }
  return changes;
}

}  // namespace rcached
