// SPDX-License-Identifier: Apache-2.0
// Escaping: the result is valid UTF-8 and cannot end an element or an attribute.
#include "base/text.h"

#include "tests/fuzz/support/exposition.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const std::string valid = valid_utf8(text);
  check(fuzz::is_utf8(valid), "valid_utf8 returns UTF-8", valid);
  check(valid_utf8(valid) == valid, "valid_utf8 is idempotent", valid);
  if (fuzz::is_utf8(text)) check(valid == text, "valid text is unchanged", text);

  const std::string html = html_escape(text);
  check(fuzz::is_utf8(html), "html_escape returns UTF-8", html);
  check(html.find_first_of("<>\"'") == std::string::npos, "no markup", html);
  for (std::size_t at = 0; (at = html.find('&', at)) != std::string::npos; ++at) {
    const std::string_view rest = std::string_view(html).substr(at);
    check(rest.starts_with("&amp;") || rest.starts_with("&lt;") || rest.starts_with("&gt;") ||
              rest.starts_with("&quot;") || rest.starts_with("&#39;"),
          "every & begins an entity", html);
  }
  return 0;
}
