// SPDX-License-Identifier: Apache-2.0
// What of a scrape may stand in a file of node_exporter's textfile collector. Pure.
#pragma once

#include <string_view>
#include <vector>

namespace rcached {

// The lines of `text` (Prometheus text format 0.0.4) whose metric does not begin with one of `prefixes`, HELP
// and TYPE lines with them, as few views into `text` as possible.
std::vector<std::string_view> without_metrics(std::string_view text,
                                              const std::vector<std::string_view>& prefixes);

}  // namespace rcached
