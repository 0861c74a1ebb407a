// SPDX-License-Identifier: Apache-2.0
// /proc/kallsyms.
#include "daemon/host/kallsyms.h"

#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  const Kallsyms symbols = Kallsyms::parse(text);
  for (const std::string_view name : wanted_kernel_symbols()) {
    const auto symbol = symbols.find(name);
    if (!symbol) continue;
    check(symbol->name == name || symbol->name.starts_with(std::string(name) + "."),
          "it is the requested symbol", symbol->name);
    check(symbol->name.find(".cold") == std::string::npos, "never a cold part", symbol->name);
    check(text.find(symbol->name) != std::string::npos, "it is in the file", symbol->name);
  }
  check(!symbols.find("no_such_symbol"), "unknown symbols are not found");
  return 0;
}
