// SPDX-License-Identifier: Apache-2.0
// config-doc: prints config/rcached.schema.json (the CMake target `docs-config` writes it into the source
// tree), or with the argument `table` the rows of the table in docs/config.md.
#include <cstdio>
#include <string_view>

#include "daemon/config/config_schema.h"

int main(int argc, char** argv) {
  const bool table = argc == 2 && std::string_view(argv[1]) == "table";
  const std::string text = table ? rcached::config_table() : rcached::config_schema();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
