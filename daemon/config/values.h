// SPDX-License-Identifier: Apache-2.0
// The text forms of configuration values: durations (10ms, 2s), sizes (512KiB, 4MiB), integers, addresses,
// paths. Numbers have no leading zeros, which other readers take for octal. Pure; nullopt when the text is
// not exactly such a value. Ranges are the caller's affair. patterns.h says the same as regular expressions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"  // printable()

namespace rcached {

std::optional<std::uint64_t> parse_integer(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);                        // true, false
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);  // suffix ms or s
std::optional<std::uint64_t> parse_size(std::string_view text);  // suffix KiB or MiB, in bytes

inline constexpr std::size_t kLongestPath = 1024;  // characters
inline constexpr std::size_t kLongestSocketDirectory =
    99;  // a socket's address holds 107 bytes, with /control

// Begins with a slash and holds no control character. `text` is valid UTF-8.
bool is_absolute_path(std::string_view text);
// The same in ASCII, and short enough for the path of a socket in it.
bool is_socket_directory(std::string_view text);

// IPv4-ADDRESS:PORT or localhost:PORT, port 1..65535; the form only, not whether this machine has the
// address.
bool is_listen_address(std::string_view text);
// The same, and not reachable from other machines.
bool is_loopback(std::string_view listen_address);

std::string format_duration(std::chrono::milliseconds duration);
std::string format_size(std::uint64_t bytes);

}  // namespace rcached
