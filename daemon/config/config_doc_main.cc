// SPDX-License-Identifier: Apache-2.0
// config-doc: prints config/rcached.schema.json (the CMake target `docs-config` writes it into the source
// tree), with the argument `table` the rows of the table in docs/config.md, or with `manual` rcached.yaml(5).
#include <cstdio>
#include <string_view>

#include "daemon/config/config_schema.h"

int main(int argc, char** argv) {
  const std::string_view wanted = argc == 2 ? argv[1] : "schema";
  const std::string text = wanted == "table"    ? rcached::config_table()
                           : wanted == "manual" ? rcached::config_manual()
                                                : rcached::config_schema();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
