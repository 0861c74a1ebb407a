// SPDX-License-Identifier: Apache-2.0
// Escaping: device and driver names are untrusted, so every exporter escapes them before they reach a scrape
// or a browser. Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rcached {

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD. Prometheus rejects a whole
// scrape for one invalid label value.
std::string valid_utf8(std::string_view text);

// `text` made safe inside HTML elements and quoted attributes, as valid UTF-8.
std::string html_escape(std::string_view text);

// User input made safe for one line of a terminal or a log: control characters escaped, long text truncated.
std::string printable(std::string_view text, std::size_t max_size = 60);

}  // namespace rcached
