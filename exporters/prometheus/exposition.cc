// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/exposition.h"

#include <array>

#include "base/text.h"

namespace rcached {
namespace {

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

std::string_view type_word(MetricKind kind, MetricsFormat format) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::histogram:
      return "histogram";
    case MetricKind::info:
      return format == MetricsFormat::openmetrics ? "info" : "gauge";
    case MetricKind::gauge:
      break;
  }
  return "gauge";
}

std::string_view family_name(const MetricRow& row, MetricsFormat format) {
  if (format == MetricsFormat::text) return row.name;
  if (row.kind == MetricKind::counter) return without_suffix(row.name, "_total");
  if (row.kind == MetricKind::info) return without_suffix(row.name, "_info");
  return row.name;
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

std::string metadata_lines(const MetricRow& row, MetricsFormat format) {
  const std::string_view family = family_name(row, format);
  std::string out;
  out.append("# HELP ").append(family) += ' ';
  append_escaped(out, row.help, format == MetricsFormat::openmetrics);
  out.append("\n# TYPE ").append(family).append(" ").append(type_word(row.kind, format)) += '\n';
  if (format == MetricsFormat::openmetrics && ends_in_unit(family, row.unit)) {
    out.append("# UNIT ").append(family).append(" ").append(row.unit) += '\n';
  }
  return out;
}

void append_label(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels.append(name) += "=\"";
  append_escaped(labels, value, true);
  labels += '"';
}

std::string joined(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) append_label(text, name, value);
  return text;
}

std::string label_block(const Labels& labels) { return "{" + joined(labels) + "} "; }

std::string canonical_number(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  // With an exponent below 1e-4 and from 1e6; as a decimal fraction in between.
  const double size = std::fabs(value);
  const bool plain = value == 0 || (size >= 1e-4 && size < 1e6);
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits.data(), end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

void SampleSink::put_metadata() {
  out_->advance(write_at(out_->room(metadata_.size()), metadata_));
  metadata_ = {};
}

}  // namespace rcached
