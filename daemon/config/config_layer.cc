// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_layer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "base/text.h"
#include "base/yaml_text.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/plain_yaml.h"
#include "daemon/config/suggestion.h"

namespace rcached {
namespace {

std::string join_path(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

// Walks one document and fills `layer_`. The first error ends the walk.
class Reader {
 public:
  explicit Reader(const std::string& origin) : layer_{origin, {}} {}

  Expected<ConfigLayer> read(const YAML::Node& document) {
    if (!document.IsMap()) {
      return fail(ErrorCode::config,
                  fmt::format("the file is not a list of keys and values ({})", place(document.Mark())),
                  "write lines such as 'source: kernel'");
    }
    RCACHED_CHECK(read_section(document, ""));
    return std::move(layer_);
  }

 private:
  std::string place(const YAML::Mark& mark) const { return yaml_place(layer_.origin, mark); }

  Expected<void> read_section(const YAML::Node& map, const std::string& section) {
    for (const auto& pair : map) {
      const std::string path = join_path(section, pair.first.Scalar());
      if (auto done = read_entry(section, path, pair.first, pair.second); !done) return done;
    }
    return {};
  }

  Expected<void> read_entry(const std::string& section, const std::string& path, const YAML::Node& name,
                            const YAML::Node& value) {
    const auto names = names_in_section(section);
    if (std::find(names.begin(), names.end(), name.Scalar()) == names.end()) {
      return unknown_key(section, path, name);
    }
    if (const auto key = find_config_key(path)) return read_value(*key, name, value);
    if (value.IsNull()) return {};  // a section with all its keys commented out
    if (!value.IsMap()) {
      return fail(
          ErrorCode::config, fmt::format("'{}' is a section, not a value ({})", path, place(value.Mark())),
          fmt::format("write its keys indented below it: {}", fmt::join(names_in_section(path), ", ")));
    }
    return read_section(value, path);
  }

  Expected<void> read_value(std::size_t index, const YAML::Node& name, const YAML::Node& value) {
    const ConfigKey& key = config_keys()[index];
    if (value.IsNull()) {
      return fail(ErrorCode::config, fmt::format("'{}' has no value ({})", key.path, place(name.Mark())),
                  fmt::format("write {}, or remove the line", key.wanted));
    }
    if (!value.IsScalar()) {
      return fail(ErrorCode::config,
                  fmt::format("'{}' is given {} instead of one value ({})", key.path,
                              value.IsMap() ? "a section" : "a list", place(value.Mark())),
                  fmt::format("write {}", key.wanted));
    }
    if (!key.set(scratch_, value.Scalar())) {
      return fail(ErrorCode::config,
                  fmt::format("wrong value '{}' for '{}' ({})", printable(value.Scalar()), key.path,
                              place(value.Mark())),
                  value_hint(key, value.Scalar()));
    }
    layer_.settings.push_back({index, value.Scalar(), value.Mark().line + 1, value.Mark().column + 1});
    return {};
  }

  Expected<void> unknown_key(const std::string& section, const std::string& path,
                             const YAML::Node& name) const {
    const auto names = names_in_section(section);
    const std::string message = fmt::format("unknown key '{}' ({})", printable(path), place(name.Mark()));
    if (find_config_key(path)) {  // written with its dot
      const auto dot = path.find('.');
      return fail(ErrorCode::config, message,
                  fmt::format("write '{}' indented below '{}'", path.substr(dot + 1), path.substr(0, dot)));
    }
    if (const auto near = nearest(name.Scalar(), names)) {
      return fail(ErrorCode::config, message, fmt::format("did you mean '{}'?", join_path(section, *near)));
    }
    // The right name in the wrong section.
    for (const ConfigKey& key : config_keys()) {
      const std::string_view leaf = key.path.substr(key.path.rfind('.') + 1);
      if (leaf == name.Scalar())
        return fail(ErrorCode::config, message, fmt::format("did you mean '{}'?", key.path));
    }
    const std::string where = section.empty() ? "at the top level" : fmt::format("in '{}'", section);
    return fail(ErrorCode::config, message, fmt::format("known {}: {}", where, fmt::join(names, ", ")));
  }

  ConfigLayer layer_;
  Config scratch_;
};

}  // namespace

Expected<ConfigLayer> read_config_layer(std::string_view text, const std::string& origin) {
  RCACHED_TRY(const auto document, load_plain_yaml(text, origin));
  if (document.IsNull()) return ConfigLayer{origin, {}};
  return Reader(origin).read(document);
}

}  // namespace rcached
