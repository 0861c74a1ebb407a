// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace rcached {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// The number before one of `units`, times its factor.
template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const Unit (&units)[N]) {
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto number = parse_integer(text.substr(0, text.size() - unit.suffix.size()));
    if (!number) continue;  // "10ms" ends with "s" too
    if (*number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_integer(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || last != end) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse_with_unit(text, {{"ms", 1}, {"s", 1000}});
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, {{"KiB", 1u << 10}, {"MiB", 1u << 20}});
}

bool is_absolute_path(std::string_view text) {
  if (!text.starts_with('/')) return false;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || c1) return false;
    if ((byte & 0xc0u) != 0x80u) ++characters;
  }
  return characters <= kLongestPath;
}

bool is_socket_directory(std::string_view text) {
  const auto is_ascii = [](char c) { return c >= ' ' && c <= '~'; };
  return text.starts_with('/') && text.size() <= kLongestSocketDirectory &&
         std::all_of(text.begin(), text.end(), is_ascii);
}

bool is_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos) return false;
  const std::string host(text.substr(0, colon));
  in_addr ignored{};
  if (host != "localhost" && inet_pton(AF_INET, host.c_str(), &ignored) != 1) return false;
  const auto port = parse_integer(text.substr(colon + 1));
  return port && *port != 0 && *port <= std::numeric_limits<std::uint16_t>::max();
}

bool is_loopback(std::string_view listen_address) {
  return listen_address.starts_with("127.") || listen_address.starts_with("localhost:");
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? fmt::format("{}s", count / 1000) : fmt::format("{}ms", count);
}

std::string format_size(std::uint64_t bytes) {
  return bytes % (1u << 20) == 0 ? fmt::format("{}MiB", bytes >> 20) : fmt::format("{}KiB", bytes >> 10);
}

}  // namespace rcached
