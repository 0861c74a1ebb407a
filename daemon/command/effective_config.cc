// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/effective_config.h"

#include <fmt/format.h>

#include <filesystem>

namespace rcached {

ConfigFacts find_config(const std::optional<std::string>& asked_for, const std::string& default_path) {
  if (asked_for) return {*asked_for, load_config(*asked_for)};
  std::error_code error;
  const auto status = std::filesystem::symlink_status(default_path, error);
  // A file that is there but cannot be read, or a dangling link, is an error and no reason for the defaults.
  if (status.type() != std::filesystem::file_type::not_found)
    return {default_path, load_config(default_path)};
  return {fmt::format("built-in defaults (there is no {})", default_path), Config{}};
}

}  // namespace rcached
