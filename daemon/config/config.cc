// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/config/config_keys.h"
#include "daemon/config/values.h"
#include "daemon/file_descriptor.h"
#include "exporters/nearest.h"
#include "exporters/yaml_text.h"

namespace rcached {
namespace {

constexpr std::size_t kLargestFile = 1u << 20;

// The part of `path` under `section` ("" is the top level), when it is directly in it or leads through it.
std::optional<std::string_view> child_name(std::string_view path, std::string_view section) {
  if (!section.empty()) {
    if (!path.starts_with(section) || path.size() <= section.size() || path[section.size()] != '.')
      return std::nullopt;
    path.remove_prefix(section.size() + 1);
  }
  return path.substr(0, path.find('.'));
}

// The names that may stand in `section`, in the table's order.
std::vector<std::string_view> names_in(std::string_view section) {
  std::vector<std::string_view> names;
  for (const ConfigKey& key : config_keys()) {
    const auto name = child_name(key.path, section);
    if (name && std::find(names.begin(), names.end(), *name) == names.end()) names.push_back(*name);
  }
  return names;
}

std::string join_path(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

// Walks one document and fills `config_`. The first error ends the walk.
class Reader {
 public:
  Reader(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  Expected<Config> read(const YAML::Node& document) {
    if (!document.IsMap()) {
      return fail(ErrorCode::config,
                  fmt::format("the file is not a list of keys and values ({})", place(document.Mark())),
                  "write lines such as 'source: kernel'");
    }
    if (auto done = read_section(document, ""); !done) return tl::unexpected(done.error());
    return check_together(document);
  }

 private:
  std::string place(const YAML::Mark& mark) const {
    if (mark.is_null()) return origin_;
    return fmt::format("{}:{}:{}", origin_, mark.line + 1, mark.column + 1);
  }

  Expected<void> read_section(const YAML::Node& map, const std::string& section) {
    // yaml-cpp keeps a repeated key twice in the map and finds the first: a silent loss of the second.
    std::map<std::string, YAML::Mark> seen;
    for (const auto& pair : map) {
      const YAML::Node& name = pair.first;
      if (!name.IsScalar()) {
        return fail(ErrorCode::config, fmt::format("a key is not a plain word ({})", place(name.Mark())),
                    "write 'key: value'");
      }
      const std::string path = join_path(section, name.Scalar());
      const auto [first, is_new] = seen.emplace(name.Scalar(), name.Mark());
      if (!is_new) {
        return fail(ErrorCode::config,
                    fmt::format("key '{}' is given twice ({}, first in line {})", printable(path),
                                place(name.Mark()), first->second.line + 1),
                    "remove one of them");
      }
      if (auto done = read_entry(section, path, name, pair.second); !done) return done;
    }
    return {};
  }

  Expected<void> read_entry(const std::string& section, const std::string& path, const YAML::Node& name,
                            const YAML::Node& value) {
    const auto names = names_in(section);
    if (std::find(names.begin(), names.end(), name.Scalar()) == names.end()) {
      return unknown_key(section, path, name);
    }
    for (const ConfigKey& key : config_keys()) {
      if (key.path == path) return read_value(key, name, value);
    }
    if (value.IsNull()) return {};  // a section with all its keys commented out
    if (!value.IsMap()) {
      return fail(ErrorCode::config,
                  fmt::format("'{}' is a section, not a value ({})", path, place(value.Mark())),
                  fmt::format("write its keys indented below it: {}", fmt::join(names_in(path), ", ")));
    }
    return read_section(value, path);
  }

  Expected<void> read_value(const ConfigKey& key, const YAML::Node& name, const YAML::Node& value) {
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
    if (is_open_quote(text_, static_cast<std::size_t>(value.Mark().pos))) {
      return fail(ErrorCode::config, fmt::format("a quote is not closed ({})", place(value.Mark())),
                  "close it");
    }
    if (key.set(config_, value.Scalar())) return {};
    std::string mend = fmt::format("write {}", key.wanted);
    if (const auto near = nearest(value.Scalar(), key.choices))
      mend += fmt::format("; did you mean '{}'?", *near);
    return fail(ErrorCode::config,
                fmt::format("wrong value '{}' for '{}' ({})", printable(value.Scalar()), key.path,
                            place(value.Mark())),
                mend);
  }

  Expected<void> unknown_key(const std::string& section, const std::string& path,
                             const YAML::Node& name) const {
    const auto names = names_in(section);
    const std::string message = fmt::format("unknown key '{}' ({})", printable(path), place(name.Mark()));
    for (const ConfigKey& key : config_keys()) {
      if (key.path != path) continue;
      const auto dot = key.path.find('.');
      return fail(
          ErrorCode::config, message,
          fmt::format("write '{}' indented below '{}'", key.path.substr(dot + 1), key.path.substr(0, dot)));
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

  // Rules over several keys.
  Expected<Config> check_together(const YAML::Node& document) const {
    if (config_.pipeline.snapshot_interval < config_.pipeline.drain_interval) {
      return fail(
          ErrorCode::config,
          fmt::format("'pipeline.snapshot_interval' ({}) is shorter than 'pipeline.drain_interval' ({}) ({})",
                      format_duration(config_.pipeline.snapshot_interval),
                      format_duration(config_.pipeline.drain_interval), place(document["pipeline"].Mark())),
          "make the snapshot interval at least as long as the drain interval");
    }
    return config_;
  }

  const std::string_view text_;
  const std::string& origin_;
  Config config_;
};

tl::unexpected<Error> malformed(const YamlFault& fault) {
  return fail(ErrorCode::config, fault.message, fault.mend);
}

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  const std::string message =
      fmt::format("cannot read the configuration: {} ({})", std::strerror(error), printable(path));
  if (error == ENOENT || error == ENOTDIR)
    return fail(ErrorCode::config, message, "create the file, or leave --config out for the defaults");
  if (error == EACCES || error == EPERM)
    return fail(ErrorCode::config, message, "make the file readable for the user that runs rcached");
  return fail(ErrorCode::config, message, "check the path");
}

}  // namespace

Expected<Config> parse_config(std::string_view text, const std::string& origin) {
  const auto document = load_yaml(text, origin);
  if (!document) return malformed(document.error());
  if (document->IsNull()) return Config{};
  try {
    return Reader(text, origin).read(*document);
  } catch (const YAML::Exception& error) {
    return malformed(yaml_fault(error, origin));
  }
}

Expected<Config> load_config(const std::string& path) {
  // O_NONBLOCK: a FIFO given by mistake must not hang the start.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || fstat(file.get(), &info) != 0) return unreadable(path, errno);
  if (S_ISDIR(info.st_mode)) return unreadable(path, EISDIR);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::config,
                fmt::format("the configuration is not a regular file ({})", printable(path)),
                "give a regular file");
  }
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) {
      return fail(ErrorCode::config,
                  fmt::format("the configuration is larger than 1MiB ({})", printable(path)),
                  "give the right file");
    }
  }
  return parse_config(text, path);
}

}  // namespace rcached
