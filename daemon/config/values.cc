// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/cpu_list.h"

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

// Lowercased, without blanks, digit separators, a sign and leading zeros.
std::string simplified(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '_' || c == ',') continue;
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (out.starts_with('+')) out.erase(0, 1);
  const auto is_digit = [&](std::size_t at) { return at < out.size() && out[at] >= '0' && out[at] <= '9'; };
  while (out.starts_with('0') && is_digit(1)) out.erase(0, 1);
  return out;
}

struct Rewrite {
  std::string_view unit;  // as others write it, lowercased
  std::uint64_t factor;
  std::string_view ours;
};

constexpr Rewrite kRewrites[] = {
    {"b", 1, ""},     {"k", 1, "KiB"},   {"kb", 1, "KiB"},     {"kib", 1, "KiB"},   {"m", 1, "MiB"},
    {"mb", 1, "MiB"}, {"mib", 1, "MiB"}, {"g", 1024, "MiB"},   {"gb", 1024, "MiB"}, {"gib", 1024, "MiB"},
    {"ms", 1, "ms"},  {"msec", 1, "ms"}, {"s", 1, "s"},        {"sec", 1, "s"},     {"seconds", 1, "s"},
    {"m", 60, "s"},   {"min", 60, "s"},  {"minutes", 60, "s"}, {"h", 3600, "s"},    {"hour", 3600, "s"},
};

// Adds the number of `text` with each unit that its own unit may mean.
void add_units(const std::string& text, std::vector<std::string>& out) {
  const auto end = text.find_first_not_of("0123456789");
  if (end == 0 || end == std::string::npos) return;
  const auto number = parse_integer(text.substr(0, end));
  if (!number || *number > 1'000'000'000'000) return;
  for (const Rewrite& rewrite : kRewrites) {
    if (rewrite.unit == text.substr(end))
      out.push_back(fmt::format("{}{}", *number * rewrite.factor, rewrite.ours));
  }
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
  return characters <= kMaxPathCharacters;
}

bool is_socket_directory(std::string_view text) {
  const auto is_ascii = [](char c) { return c >= ' ' && c <= '~'; };
  return text.starts_with('/') && text.size() <= kMaxSocketDirectoryBytes &&
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

bool is_cpu_list(std::string_view text) {
  bool after_digit = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_digit = [&](std::size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '9';
    };
    if (text[i] == '0' && !after_digit && is_digit(i + 1)) return false;
    after_digit = is_digit(i);
  }
  return parse_cpu_list(text, kCpuIds).has_value();
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? fmt::format("{}s", count / 1000) : fmt::format("{}ms", count);
}

std::string format_size(std::uint64_t bytes) {
  return bytes % (1u << 20) == 0 ? fmt::format("{}MiB", bytes >> 20) : fmt::format("{}KiB", bytes >> 10);
}

std::vector<std::string> other_spellings(std::string_view text) {
  std::vector<std::string> out;
  const std::string plain = simplified(text);
  out.push_back(plain);
  if (plain == "yes" || plain == "on" || plain == "1" || plain == "y" || plain == "t") out.push_back("true");
  if (plain == "no" || plain == "off" || plain == "0" || plain == "n" || plain == "f") out.push_back("false");
  add_units(plain, out);
  // Addresses: from a URL, of any interface or of IPv6, without a port.
  std::string host = plain;
  if (const auto scheme = host.find("://"); scheme != std::string::npos) host.erase(0, scheme + 3);
  host = host.substr(0, host.find('/'));
  out.push_back(host);
  if (host.starts_with("*:")) out.push_back("0.0.0.0" + host.substr(1));
  if (host.starts_with("[::1]:")) out.push_back("127.0.0.1" + host.substr(5));
  if (host.starts_with("[::]:")) out.push_back("0.0.0.0" + host.substr(4));
  if (host.find('.') != std::string::npos || host == "localhost") out.push_back(host + ":9731");
  return out;
}

}  // namespace rcached
