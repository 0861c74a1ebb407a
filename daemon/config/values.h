// SPDX-License-Identifier: Apache-2.0
// The text forms of configuration values: durations (10ms, 2s), sizes (512KiB, 4MiB), integers, addresses.
// Pure; nullopt when the text is not exactly such a value. Ranges are the caller's affair.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/text.h"  // printable()

namespace rcached {

std::optional<std::uint64_t> parse_integer(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);                        // true, false
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);  // suffix ms or s
std::optional<std::uint64_t> parse_size(std::string_view text);  // suffix KiB or MiB, in bytes

// IPv4-ADDRESS:PORT or localhost:PORT, port 1..65535; the form only, not whether this machine has the
// address.
bool is_listen_address(std::string_view text);
// The same, and not reachable from other machines.
bool is_loopback(std::string_view listen_address);

std::string format_duration(std::chrono::milliseconds duration);
std::string format_size(std::uint64_t bytes);

}  // namespace rcached
