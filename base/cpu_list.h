// SPDX-License-Identifier: Apache-2.0
// Lists of CPUs as the kernel writes them: "0-3,8,10-11". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcached {

// The ids in the order of the text, each below `end` (at most 65536). nullopt: empty, or not such a list.
std::optional<std::vector<std::uint16_t>> parse_cpu_list(std::string_view list, unsigned end);

// The list of ascending ids; empty without ids.
std::string format_cpu_list(const std::vector<std::uint16_t>& ids);

}  // namespace rcached
