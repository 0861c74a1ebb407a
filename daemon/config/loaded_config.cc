// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/loaded_config.h"

#include <dirent.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/text.h"
#include "base/yaml.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

constexpr std::string_view kSuffix = ".yaml";

std::string printable_path(const std::string& path) { return printable(path, PATH_MAX); }

// Unreadable files and dangling links exist: they are errors, not a reason to use the defaults.
bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::not_found;
}

// None if there is no directory. Errors: config (the directory cannot be read).
Expected<std::vector<std::string>> list_drop_ins(const std::string& main_file) {
  const std::string directory = drop_in_directory(main_file);
  const auto unlistable = [&](int error) {
    const bool denied = error == EACCES || error == EPERM;
    return fail(ErrorCode::config,
                fmt::format("cannot list the drop-ins of the configuration: {} ({})",
                            std::system_category().message(error), printable_path(directory)),
                denied ? "make the directory readable for the user that runs rcached"
                       : "make it a directory, or remove it");
  };
  const std::unique_ptr<DIR, int (*)(DIR*)> open_directory(opendir(directory.c_str()), closedir);
  if (open_directory == nullptr) {
    const int error = errno;
    if ((error == ENOENT || error == ENOTDIR) && !exists(directory)) return std::vector<std::string>();
    return unlistable(error);
  }
  std::vector<std::string> paths;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(open_directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name.ends_with(kSuffix) && !name.starts_with('.'))
      paths.push_back(fmt::format("{}/{}", directory, name));
  }
  if (errno != 0) return unlistable(errno);
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The keys as the YAML reader knows them, with the same indices.
const YamlFormat& yaml_format() {
  static const YamlFormat format = [] {
    YamlFormat made{{}, "source: kernel"};
    for (const ConfigKey& key : config_keys()) made.keys.push_back({std::string(key.path), key.wanted, ""});
    return made;
  }();
  return format;
}

// What a file sets, each value checked by its key.
Expected<YamlSettings> read_layer(std::string_view text, const std::string& origin) {
  RCACHED_TRY(auto layer, read_yaml_settings(text, origin, yaml_format()));
  Config scratch;
  for (const YamlSetting& setting : layer.settings) {
    const ConfigKey& key = config_keys()[setting.key];
    if (!key.set(scratch, setting.text)) return layer.wrong_value(setting, value_hint(key, setting.text));
  }
  return layer;
}

void apply(const YamlSettings& layer, LoadedConfig& loaded) {
  for (const YamlSetting& setting : layer.settings) {
    config_keys()[setting.key].set(loaded.config, setting.text);
    loaded.origins[setting.key] = {ValueOrigin::Kind::file, layer.origin, setting.mark.line,
                                   setting.mark.column};
  }
}

std::string place(const LoadedConfig& loaded, std::string_view path) {
  const ValueOrigin& origin = loaded.origins[*find_config_key(path)];
  return origin.kind == ValueOrigin::Kind::file
             ? fmt::format("{}:{}:{}", origin.file, origin.line, origin.column)
             : origin.text();
}

// The rule over two keys.
Expected<void> check_together(const LoadedConfig& loaded) {
  const Config::Pipeline& pipeline = loaded.config.pipeline;
  if (pipeline.drain_interval <= kMaxDrainOfShortSnapshots ||
      pipeline.snapshot_interval >= kMinSnapshotOfLongDrains)
    return {};
  return fail(
      ErrorCode::config,
      fmt::format(
          "'pipeline.snapshot_interval' is {} ({}), too short for the 'pipeline.drain_interval' of {} ({})",
          format_duration(pipeline.snapshot_interval), place(loaded, "pipeline.snapshot_interval"),
          format_duration(pipeline.drain_interval), place(loaded, "pipeline.drain_interval")),
      fmt::format("write a snapshot interval of at least {}, or a drain interval of at most {}",
                  format_duration(kMinSnapshotOfLongDrains), format_duration(kMaxDrainOfShortSnapshots)));
}

// One file over the defaults.
Expected<LoadedConfig> load_alone(const YamlSettings& layer) {
  LoadedConfig loaded;
  apply(layer, loaded);
  RCACHED_CHECK(check_together(loaded));
  return loaded;
}

// Each file must be valid by itself, so that it can be checked without the others.
Expected<void> add_file(const std::string& path, LoadedConfig& loaded) {
  RCACHED_TRY(const auto text,
              read_yaml_file(path, "the configuration",
                             "create the file, or remove what refers to it (--config, or a link)"));
  RCACHED_TRY(const auto layer, read_layer(text, printable_path(path)));
  RCACHED_CHECK(load_alone(layer));
  apply(layer, loaded);
  loaded.files.push_back(layer.origin);
  return {};
}

}  // namespace

std::string drop_in_directory(const std::string& main_file) {
  const std::string_view stem = main_file;
  return std::string(stem.ends_with(kSuffix) ? stem.substr(0, stem.size() - kSuffix.size()) : stem) + ".d";
}

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
  if (!request.path && !exists(main)) {
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
  RCACHED_TRY(const auto layer, read_layer(text, origin));
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
