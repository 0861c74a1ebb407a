// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/support/exposition.h"

#include <cstdint>
#include <set>

#include "tests/fuzz/support/fuzz.h"

namespace rcached::fuzz {
namespace {

bool is_name_begin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_begin(c) || (c >= '0' && c <= '9') || c == ':'; }

std::string_view take_name(std::string_view& text) {
  if (text.empty() || !is_name_begin(text[0])) return {};
  std::size_t length = 1;
  while (length < text.size() && is_name_part(text[length])) ++length;
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// A quoted label value with the three valid escapes.
bool take_quoted(std::string_view& text) {
  if (!take(text, "\"")) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] != '\\') continue;
    ++i;
    if (i == text.size() || (text[i] != '\\' && text[i] != '"' && text[i] != 'n')) return false;
  }
  return false;
}

const char* sample_error(std::string_view line, std::set<std::string>& series) {
  const std::string_view whole = line;
  if (take_name(line).empty()) return "no metric name";
  if (take(line, "{")) {
    while (!take(line, "}")) {
      if (take_name(line).empty() || !take(line, "=") || !take_quoted(line)) return "a label is malformed";
      if (!take(line, ",") && !line.starts_with('}')) return "labels are not separated";
    }
  }
  if (!series.emplace(whole.substr(0, whole.size() - line.size())).second) return "the series appears twice";
  if (!take(line, " ")) return "no value";
  const std::string value(line);
  char* end = nullptr;
  std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0') return "the value is not a number, or text follows it";
  return nullptr;
}

const char* comment_error(std::string_view line, std::set<std::string>& typed) {
  if (take(line, "# HELP ")) {
    if (take_name(line).empty() || !take(line, " ")) return "HELP without a metric name";
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\' && (++i == line.size() || (line[i] != '\\' && line[i] != 'n')))
        return "HELP with an invalid escape";
    }
  } else if (take(line, "# TYPE ")) {
    const std::string_view name = take_name(line);
    if (line != " gauge" && line != " counter" && line != " histogram") return "unknown TYPE";
    if (!typed.emplace(name).second) return "a second TYPE for the metric";
  }
  return nullptr;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc0 || lead >= 0xf8 || text.size() - i < more) return false;
    std::uint32_t code = lead & (0x3fu >> more);
    for (unsigned k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xc0u) != 0x80u) return false;
      code = code << 6 | (next & 0x3fu);
    }
    constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (code < kLeast[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

std::string find_exposition_error(std::string_view text) {
  if (!is_utf8(text)) return "not UTF-8";
  if (!text.empty() && text.back() != '\n') return "no newline at the end";
  std::set<std::string> series, typed;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    const char* error = line[0] == '#' ? comment_error(line, typed) : sample_error(line, series);
    if (error != nullptr) return std::string(error) + ": " + std::string(line);
  }
  return {};
}

}  // namespace rcached::fuzz
