// SPDX-License-Identifier: Apache-2.0
// config-doc update ROOT: writes config/rcached.yaml, config/rcached.schema.json and the table in
// docs/config.md of a source tree (the CMake target docs-config). config-doc manual: prints rcached.yaml(5).
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "daemon/config/config_docs.h"

namespace {

bool write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (file.close(); file) return true;
  fmt::print(stderr, "config-doc: cannot write {}\n", path);
  return false;
}

bool update(const std::string& root) {
  std::ifstream file(root + "/docs/config.md");
  const auto page = rcached::config_page(std::string(std::istreambuf_iterator<char>(file), {}));
  if (!page) {
    fmt::print(stderr, "config-doc: {}; {}", page.error().message, page.error().hint);
    return false;
  }
  return write(root + "/docs/config.md", *page) &&
         write(root + "/config/rcached.yaml", rcached::config_example()) &&
         write(root + "/config/rcached.schema.json", rcached::config_schema());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "update" && argc == 3) return update(argv[2]) ? 0 : 1;
  if (command == "manual" && argc == 2) {
    fmt::print("{}", rcached::config_manual());
    return std::fflush(stdout) == 0 ? 0 : 1;
  }
  fmt::print(stderr, "usage: config-doc update ROOT | config-doc manual\n");
  return 2;
}
