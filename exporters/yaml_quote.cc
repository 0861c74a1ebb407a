// SPDX-License-Identifier: Apache-2.0
#include "exporters/yaml_quote.h"

namespace rcached {

bool is_open_quote(std::string_view text, std::size_t at) {
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return false;
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      return false;  // or the first of two in single quotes, which the parser has found in order
    }
  }
  return true;
}

}  // namespace rcached
