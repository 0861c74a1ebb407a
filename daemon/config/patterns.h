// SPDX-License-Identifier: Apache-2.0
// Regular expressions that say for the JSON schema exactly what values.h and the key table accept. In the
// part of the syntax that ECMAScript, Python and std::regex share, without anchors. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace rcached {

// Decimal numbers from `low` to `high` without leading zeros.
std::string number_pattern(std::uint64_t low, std::uint64_t high);

// What parse_duration() reads as low..high.
std::string duration_pattern(std::chrono::milliseconds low, std::chrono::milliseconds high);

// What parse_size() reads as low..high bytes, whole KiB both.
std::string size_pattern(std::uint64_t low, std::uint64_t high);
// ... and only the powers of two among them, which the bounds are too.
std::string power_of_two_size_pattern(std::uint64_t low, std::uint64_t high);

// What is_listen_address() accepts.
std::string listen_address_pattern();

// What is_absolute_path() accepts that ends in `suffix`.
std::string absolute_path_pattern(std::string_view suffix);
// What is_socket_directory() accepts.
std::string socket_directory_pattern();

}  // namespace rcached
