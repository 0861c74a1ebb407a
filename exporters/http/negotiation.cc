// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/negotiation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

namespace rcached {
namespace {

constexpr unsigned kFullQ = 1000;  // q values have three decimals

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Removes the text through the first unquoted `delimiter` from `rest`; returns the part before it.
std::string_view take_until(std::string_view& rest, char delimiter) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (quoted && rest[at] == '\\') {
      ++at;  // the next character is part of the text
    } else if (rest[at] == '"') {
      quoted = !quoted;
    } else if (rest[at] == delimiter && !quoted) {
      break;
    }
  }
  at = std::min(at, rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return trimmed(taken);
}

// "0", "0.5", "1.000": thousandths; nullopt for anything else.
std::optional<unsigned> parse_q(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return std::nullopt;
  unsigned value = text[0] == '1' ? kFullQ : 0;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned place = kFullQ / 10;
  for (std::size_t i = 2; i < text.size(); ++i, place /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value += place * static_cast<unsigned>(text[i] - '0');
  }
  if (value > kFullQ) return std::nullopt;
  return value;
}

// One element of a header's list: "name;version=1.0.0;q=0.5".
struct Element {
  std::string_view name;
  std::string_view version;  // without quotes; empty when there is none
  unsigned q = kFullQ;
  bool valid = true;
};

Element parse_element(std::string_view text) {
  Element element;
  element.name = take_until(text, ';');
  element.valid = !element.name.empty();
  while (!text.empty()) {
    std::string_view value = take_until(text, ';');
    const std::string_view key = take_until(value, '=');
    value = trimmed(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (same(key, "q")) {
      const auto q = parse_q(value);
      element.valid = element.valid && q.has_value();
      element.q = q.value_or(0);
    } else if (same(key, "version")) {
      element.version = value;
    }
  }
  return element;
}

// The client's preference for a format. The most specific matching element determines q (RFC 9110, 12.5.1).
struct Preference {
  unsigned q = 0;
  unsigned exactness = 0;  // 0: no match
  std::size_t position = std::numeric_limits<std::size_t>::max();

  void fit(const Element& element, unsigned how_exact, std::size_t at) {
    if (how_exact <= exactness) return;
    q = element.q;
    exactness = how_exact;
    position = at;
  }
  bool before(const Preference& other) const {
    if (q != other.q) return q > other.q;
    if (named() != other.named()) return named();
    return named() && position < other.position;
  }
  // By type and subtype, with or without a version: not by a wildcard.
  bool named() const { return exactness >= 3; }
};

unsigned exactness(const Element& element, std::string_view type, std::string_view any_subtype,
                   std::string_view version) {
  if (same(element.name, "*/*")) return 1;
  if (same(element.name, any_subtype)) return 2;
  if (!same(element.name, type)) return 0;
  if (element.version.empty()) return 3;
  return element.version == version ? 4 : 0;
}

}  // namespace

MetricsFormat choose_format(std::string_view accept) {
  Preference text;
  Preference openmetrics;
  for (std::size_t position = 0; !accept.empty(); ++position) {
    const Element element = parse_element(take_until(accept, ','));
    if (!element.valid) continue;
    text.fit(element, exactness(element, "text/plain", "text/*", "0.0.4"), position);
    openmetrics.fit(element, exactness(element, "application/openmetrics-text", "application/*", "1.0.0"),
                    position);
  }
  return openmetrics.q > 0 && openmetrics.before(text) ? MetricsFormat::openmetrics : MetricsFormat::text;
}

std::optional<ContentCoding> choose_coding(std::string_view accept_encoding) {
  std::optional<unsigned> gzip;
  std::optional<unsigned> identity;
  std::optional<unsigned> any;
  while (!accept_encoding.empty()) {
    const Element element = parse_element(take_until(accept_encoding, ','));
    if (!element.valid) continue;
    if (same(element.name, "gzip") || same(element.name, "x-gzip")) {
      if (!gzip) gzip = element.q;
    } else if (same(element.name, "identity")) {
      if (!identity) identity = element.q;
    } else if (element.name == "*") {
      if (!any) any = element.q;
    }
  }
  // Identity is acceptable unless refused, by name or by "*;q=0"; if not named, it ranks below gzip.
  const bool identity_refused = identity ? *identity == 0 : any == 0u;
  if (gzip.value_or(0) > 0 && *gzip >= identity.value_or(0)) return ContentCoding::gzip;
  if (!identity_refused) return ContentCoding::identity;
  if (gzip ? *gzip > 0 : any.value_or(0) > 0) return ContentCoding::gzip;
  return std::nullopt;
}

}  // namespace rcached
