// SPDX-License-Identifier: Apache-2.0
// The command line, parsed: which command with which options. Pure; errors: usage.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "daemon/config/loaded_config.h"

namespace rcached {

enum class Command : std::uint8_t {
  run,
  top,
  audit,
  check,
  domains,
  config_show,
  check_config,
  version,
  help
};

struct CommandLine {
  Command command = Command::help;
  std::optional<std::string> config_path;
  // Options of the command line that override keys of the file: {"http.listen", "127.0.0.1:0"}; already
  // checked.
  std::vector<std::pair<std::string, std::string>> overrides;
  bool summary = false;   // run
  bool json = false;      // top, audit, check, domains, config show
  bool changed = false;   // config show
  std::string domain;     // top, audit; empty: all
  bool contents = false;  // audit
  struct Top {
    std::optional<std::string> url;  // unset: the configuration's http.listen
    std::string user;                // empty: no authentication
    bool own_source = false;         // --source: no daemon is used
    std::chrono::milliseconds interval{1000};
    std::string sort;  // name of an existing column; empty: the default
    bool once = false;
  } top;
  std::string help_text;  // help
};

Expected<CommandLine> parse_command_line(int argc, const char* const* argv);

// Input of load_config(): the given or the default file, and the overriding options.
ConfigRequest config_request(const CommandLine& command_line);

}  // namespace rcached
