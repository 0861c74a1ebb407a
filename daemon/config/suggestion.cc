// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/suggestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "daemon/config/values.h"

namespace rcached {
namespace {

constexpr std::size_t kLongest = 64;  // what is longer is no other spelling

// In small letters, without blanks and digit separators, a sign and leading zeros.
std::string plain(std::string_view text) {
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
  std::string_view unit;  // as others write it, in small letters
  std::uint64_t factor;
  std::string_view ours;
};

constexpr Rewrite kRewrites[] = {
    {"b", 1, ""},     {"k", 1, "KiB"},   {"kb", 1, "KiB"},     {"kib", 1, "KiB"},   {"m", 1, "MiB"},
    {"mb", 1, "MiB"}, {"mib", 1, "MiB"}, {"g", 1024, "MiB"},   {"gb", 1024, "MiB"}, {"gib", 1024, "MiB"},
    {"ms", 1, "ms"},  {"msec", 1, "ms"}, {"s", 1, "s"},        {"sec", 1, "s"},     {"seconds", 1, "s"},
    {"m", 60, "s"},   {"min", 60, "s"},  {"minutes", 60, "s"}, {"h", 3600, "s"},    {"hour", 3600, "s"},
};

// The number of `text` with the units that we know.
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

std::vector<std::string> candidates(const std::string& text) {
  std::vector<std::string> out;
  const std::string bare = plain(text);
  out.push_back(bare);
  if (bare == "yes" || bare == "on" || bare == "1" || bare == "y" || bare == "t") out.push_back("true");
  if (bare == "no" || bare == "off" || bare == "0" || bare == "n" || bare == "f") out.push_back("false");
  add_units(bare, out);
  // Addresses: of a URL, with a blank, with the port or the host alone.
  std::string host = bare;
  if (const auto scheme = host.find("://"); scheme != std::string::npos) host.erase(0, scheme + 3);
  host = host.substr(0, host.find('/'));
  out.push_back(host);
  if (host.starts_with("*:")) out.push_back("0.0.0.0" + host.substr(1));
  if (host.starts_with("[::1]:")) out.push_back("127.0.0.1" + host.substr(5));
  if (host.starts_with("[::]:")) out.push_back("0.0.0.0" + host.substr(4));
  if (host.find('.') != std::string::npos || host == "localhost") out.push_back(host + ":9731");
  return out;
}

}  // namespace

std::optional<std::string> suggest_value(const ConfigKey& key, const std::string& text) {
  if (text.empty() || text.starts_with('/') || text.size() > kLongest) return std::nullopt;
  Config scratch;
  for (const std::string& candidate : candidates(text)) {
    if (!candidate.empty() && key.set(scratch, candidate)) return candidate;
  }
  std::vector<std::string_view> names = key.choices;
  if (key.kind == ConfigKey::Kind::boolean) names = {"true", "false"};
  if (const auto near = nearest(text, names)) return std::string(*near);
  return std::nullopt;
}

std::string value_hint(const ConfigKey& key, const std::string& text) {
  std::string hint = fmt::format("write {}", key.wanted);
  if (const auto meant = suggest_value(key, text))
    hint += fmt::format("; did you mean '{}'?", printable(*meant));
  return hint;
}

}  // namespace rcached
