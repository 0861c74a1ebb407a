// SPDX-License-Identifier: Apache-2.0
// Accept and Accept-Encoding, one per line.
#include "exporters/http/negotiation.h"

#include <algorithm>
#include <cctype>

#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

bool names(std::string_view header, std::string_view word) {
  std::string lower(header);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.find(word) != std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  const std::string_view accept = fuzz::take_line(text);
  const std::string_view encoding = fuzz::take_line(text);
  if (choose_format(accept) == MetricsFormat::openmetrics) {
    check(names(accept, "openmetrics") || names(accept, "application/*") || names(accept, "*/*"),
          "OpenMetrics only if requested", accept);
  }
  const auto coding = choose_coding(encoding);
  if (coding == ContentCoding::gzip) {
    check(names(encoding, "gzip") || names(encoding, "*"), "gzip only if requested", encoding);
  }
  if (!coding)
    check(names(encoding, "q"), "some coding is acceptable unless the client excludes it", encoding);
  return 0;
}
