// SPDX-License-Identifier: Apache-2.0
// Gathers the HostFacts of the running machine. Reads small files in /proc and /sys, and
// loads one tracing program as a test; this is skipped without the privileges for it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "daemon/check/preflight.h"

namespace rcached {

// The result of reading the command line and the configuration.
struct ConfigFacts {
  std::string origin;
  Expected<Config> config;
};

HostFacts gather_host_facts(const ConfigFacts& config);

// From the text of /proc/self/status (CapEff).
Privileges parse_privileges(std::string_view status, unsigned euid);
Privileges read_privileges();

// From the text of /sys/kernel/security/lockdown: "none [integrity] confidentiality".
Lockdown parse_lockdown(std::string_view text);
Lockdown read_lockdown();

// Checks that rcached can listen on `address`. False: the host does not have it yet. Errors: config,
// port_taken.
Expected<bool> check_listen(const std::string& address);

}  // namespace rcached
