// SPDX-License-Identifier: Apache-2.0
// The text forms of configuration values: durations (10ms, 2s), sizes (512KiB, 4MiB), integers, addresses,
// paths. Numbers have no leading zeros, which other readers take as octal. The parsers return nullopt if the
// text is not exactly such a value; ranges are checked by the caller. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"  // printable()

namespace rcached {

std::optional<std::uint64_t> parse_integer(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);                        // true, false
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);  // suffix ms or s
std::optional<std::uint64_t> parse_size(std::string_view text);  // suffix KiB or MiB, in bytes

inline constexpr std::size_t kMaxPathCharacters = 1024;
inline constexpr std::size_t kMaxSocketDirectoryBytes = 99;  // 107 bytes of a socket's address, less /control

// Begins with a slash and contains no control character. `text` is valid UTF-8.
bool is_absolute_path(std::string_view text);
// The same in ASCII, and short enough for the path of a socket in it.
bool is_socket_directory(std::string_view text);

// IPv4-ADDRESS:PORT or localhost:PORT, port 1..65535; only the form, not whether this host has the address.
bool is_listen_address(std::string_view text);
// Whether a valid listen address is unreachable from other hosts.
bool is_loopback(std::string_view listen_address);

// A list of CPU ids below kCpuIds and of ranges of them, "2-3,8"; see base/cpu_list.h. No blanks.
inline constexpr unsigned kCpuIds = 1024;
bool is_cpu_list(std::string_view text);

std::string format_duration(std::chrono::milliseconds duration);
std::string format_size(std::uint64_t bytes);

// How else a misspelt value might be written ("4M" as "4MiB", "yes" as "true"), the most likely first. Most
// of them are not valid values of a given key.
std::vector<std::string> other_spellings(std::string_view text);

}  // namespace rcached
