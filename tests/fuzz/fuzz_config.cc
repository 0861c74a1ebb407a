// SPDX-License-Identifier: Apache-2.0
// rcached.yaml: refused with a message that fits a terminal, or understood and printed as the same again.
#include "daemon/config/config.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/values.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

void check_values(std::string_view text) {
  if (const auto duration = parse_duration(text)) {
    check(duration->count() >= 0, "durations are not negative", text);
    check(parse_duration(format_duration(*duration)) == duration, "durations are printed as they are read",
          text);
  }
  // format_size() knows whole KiB only, and so does the syntax.
  if (const auto bytes = parse_size(text)) {
    check(parse_size(format_size(*bytes)) == bytes, "sizes are printed as they are read", text);
  }
  check(fuzz::is_printable(printable(text)), "printable() is", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  check_values(text);
  const auto config = parse_config(text, "rcached.yaml");
  if (!config) {
    const Error& error = config.error();
    check(error.code == ErrorCode::config, "the code of a bad file", error.message);
    check(!error.mend.empty(), "says what to do", error.message);
    check(error.message.find("rcached.yaml") != std::string::npos, "names the file", error.message);
    check(fuzz::is_printable(error.message), "the message fits a terminal", error.message);
    check(fuzz::is_printable(error.mend), "the mend fits a terminal", error.mend);
    return 0;
  }
  const std::string printed = format_config(*config);
  const auto again = parse_config(printed, "printed.yaml");
  check(again.has_value(), "what is printed can be read", printed);
  check(*again == *config, "what is printed is the same", printed);
  return 0;
}
