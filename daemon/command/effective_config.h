// SPDX-License-Identifier: Apache-2.0
// Which configuration stands: the file that was asked for, else /etc/rcached/rcached.yaml, else the defaults.
#pragma once

#include <optional>
#include <string>

#include "daemon/host/host_facts.h"

namespace rcached {

inline constexpr const char* kDefaultConfigPath = "/etc/rcached/rcached.yaml";

// A file that was asked for must exist; the one at `default_path` need not.
ConfigFacts find_config(const std::optional<std::string>& asked_for,
                        const std::string& default_path = kDefaultConfigPath);

}  // namespace rcached
