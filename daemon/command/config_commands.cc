// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/config_commands.h"

#include <fmt/format.h>

#include "daemon/check/host_facts.h"
#include "daemon/config/config_text.h"
#include "exporters/http/web_config.h"

namespace rcached {

Expected<void> check_config_command(const CommandLine& command_line, std::FILE* out) {
  RCACHED_TRY(const auto loaded, load_config(config_request(command_line)));
  if (const std::string& web = loaded.config.http.web_config; !web.empty()) {
    RCACHED_CHECK(load_web_config(web));
  }
  fmt::print(out, "# {}: good. As it stands:\n{}", loaded.summary(), format_config(loaded.config));
  return {};
}

Expected<void> config_show_command(const CommandLine& command_line, std::FILE* out) {
  RCACHED_TRY(const auto loaded, load_config(config_request(command_line)));
  const Shown shown = command_line.changed ? Shown::changed : Shown::all;
  fmt::print(out, "{}", command_line.json ? show_config_json(loaded, shown) : show_config(loaded, shown));
  return {};
}

}  // namespace rcached
