// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/exposition.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "base/text.h"

namespace rcached {
namespace {

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

std::string_view family_name(const Metadata& metadata, MetricsFormat format) {
  if (format == MetricsFormat::text) return metadata.name;
  if (metadata.type == "counter") return without_suffix(metadata.name, "_total");
  if (metadata.type == "info") return without_suffix(metadata.name, "_info");
  return metadata.name;
}

bool ends_in_unit(std::string_view family, std::string_view unit) {
  return !unit.empty() && family.size() > unit.size() && family.ends_with(unit) &&
         family[family.size() - unit.size() - 1] == '_';
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += quotes ? "\\\"" : "\"";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

Metadata metadata_of(const MetricRow& row, MetricsFormat format) {
  Metadata metadata{row.name, "gauge", row.unit, row.help};
  switch (row.kind) {
    case MetricKind::counter:
      metadata.type = "counter";
      break;
    case MetricKind::histogram:
      metadata.type = "histogram";
      break;
    case MetricKind::info:
      if (format == MetricsFormat::openmetrics) metadata.type = "info";
      break;
    case MetricKind::gauge:
      break;
  }
  return metadata;
}

void append_metadata(std::string& out, const Metadata& metadata, MetricsFormat format) {
  const std::string_view family = family_name(metadata, format);
  out.append("# HELP ").append(family) += ' ';
  append_escaped(out, metadata.help, format == MetricsFormat::openmetrics);
  out.append("\n# TYPE ").append(family).append(" ").append(metadata.type) += '\n';
  if (format == MetricsFormat::openmetrics && ends_in_unit(family, metadata.unit)) {
    out.append("# UNIT ").append(family).append(" ").append(metadata.unit) += '\n';
  }
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out.append(name) += "=\"";
  append_escaped(out, value, true);
  out += '"';
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> text{};
    out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
  }
}

std::string canonical_number(double value) {
  std::string text;
  if (!std::isfinite(value)) {
    append_number(text, value);
    return text;
  }
  // With an exponent below 1e-4 and from 1e6 on; as a decimal fraction between.
  const double size = std::fabs(value);
  const bool plain = value == 0 || (size >= 1e-4 && size < 1e6);
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  text.assign(digits.data(), end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace rcached
