// SPDX-License-Identifier: Apache-2.0
#include "exporters/textfile/textfile_text.h"

#include <algorithm>
#include <cstddef>

namespace rcached {
namespace {

// The line from its metric's name on; of a comment that is none of a metric, the line as it is.
std::string_view from_name(std::string_view line) {
  for (const std::string_view keyword : {"# HELP ", "# TYPE "}) {
    if (line.starts_with(keyword)) return line.substr(keyword.size());
  }
  return line;
}

}  // namespace

std::vector<std::string_view> without_metrics(std::string_view text,
                                              const std::vector<std::string_view>& prefixes) {
  std::vector<std::string_view> pieces;
  std::size_t kept_from = 0;  // the piece that grows: [kept_from, at)
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t newline = text.find('\n', at);
    const std::size_t next = newline == std::string_view::npos ? text.size() : newline + 1;
    const std::string_view line = from_name(text.substr(at, next - at));
    if (std::any_of(prefixes.begin(), prefixes.end(),
                    [line](std::string_view prefix) { return line.starts_with(prefix); })) {
      if (kept_from < at) pieces.push_back(text.substr(kept_from, at - kept_from));
      kept_from = next;
    }
    at = next;
  }
  if (kept_from < text.size()) pieces.push_back(text.substr(kept_from));
  return pieces;
}

}  // namespace rcached
