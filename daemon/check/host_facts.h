// SPDX-License-Identifier: Apache-2.0
// Gathers the HostFacts of the running machine. Every read is of a small file in /proc or /sys, but for one
// trial load of a tracing program, which needs the privileges and is skipped without them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "daemon/check/preflight.h"

namespace rcached {

// What the command line and the configuration say, before the host is looked at.
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

// That rcached could listen on `address`, and whether the host has it already. Errors: config, port_taken.
Expected<bool> check_listen(const std::string& address);

}  // namespace rcached
