// SPDX-License-Identifier: Apache-2.0
// Escaping: names of devices and drivers come from other people's code, so every exporter passes them through
// here before they reach a scrape or a browser. Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rcached {

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD. Prometheus refuses a whole
// scrape for one invalid label value.
std::string valid_utf8(std::string_view text);

// `text` made safe inside HTML elements and quoted attributes, as valid UTF-8.
std::string html_escape(std::string_view text);

// What somebody typed, fit for one line of a terminal or a log: control characters escaped, long text cut.
std::string printable(std::string_view text, std::size_t longest = 60);

}  // namespace rcached
