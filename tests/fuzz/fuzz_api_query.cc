// SPDX-License-Identifier: Apache-2.0
// Query strings of the API.
#include "exporters/api/request.h"

#include <algorithm>

#include "tests/fuzz/support/exposition.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto decoded = api::percent_decode(text)) {
    const auto escapes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '%'));
    check(decoded->size() == text.size() - 2 * escapes, "each escape is one byte", *decoded);
  }
  const auto parameters = api::parse_query(text, {"after", "domain"});
  if (parameters) {
    for (const auto& [name, value] : *parameters) {
      check(name == "after" || name == "domain", "only known parameters", name);
      check(api::value_of(*parameters, name) != nullptr, "the parameter is found", name);
    }
    check(parameters->size() <= 2, "each once");
  } else {
    const std::string& message = parameters.error().message;
    check(!message.empty(), "the error has a message", text);
    check(fuzz::is_utf8(message) && fuzz::is_printable(message), "the message is one printable line",
          message);
  }
  if (const auto number = api::parse_number(text)) {
    check(std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }), "digits only",
          text);
    check(text.find_first_not_of('0') == std::string_view::npos
              ? *number == 0
              : std::to_string(*number) == text.substr(text.find_first_not_of('0')),
          "the number in the text", text);
  }
  check(fuzz::is_utf8(api::in_quotes(text)) && fuzz::is_printable(api::in_quotes(text)),
        "quoted text is printable");
  return 0;
}
