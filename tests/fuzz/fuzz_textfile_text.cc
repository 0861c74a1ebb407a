// SPDX-License-Identifier: Apache-2.0
// What of a scrape goes into the file for node_exporter.
#include "exporters/textfile/textfile_text.h"

#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  std::string kept;
  for (const std::string_view piece : without_metrics(text, {"process_", "a"})) {
    check(!piece.empty(), "no empty pieces");
    kept += piece;
  }
  // Line by line, the plain way.
  std::string expected;
  while (!text.empty()) {
    const std::string_view rest = text;
    std::string line(fuzz::take_line(text));
    if (line.size() < rest.size()) line += '\n';
    std::string_view name = line;
    if (name.starts_with("# HELP ") || name.starts_with("# TYPE ")) name.remove_prefix(7);
    if (!name.starts_with("process_") && !name.starts_with("a")) expected += line;
  }
  check(kept == expected, "the right lines stay", kept);
  return 0;
}
