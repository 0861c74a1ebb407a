// SPDX-License-Identifier: Apache-2.0
// Content negotiation of /metrics (RFC 9110, 12.5): chooses format and coding from the client's Accept and
// Accept-Encoding headers. Pure; accepts any bytes, in linear time. Invalid elements are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rcached {

enum class MetricsFormat : std::uint8_t {
  text,         // Prometheus text format 0.0.4
  openmetrics,  // OpenMetrics 1.0.0
};

enum class ContentCoding : std::uint8_t { identity, gzip };

// The format with the highest q; if equal, the one requested by name rather than by a wildcard, then the one
// named first. Text if no supported format is requested, as in all Prometheus clients: a scraper that cannot
// read it gives a better error than a 406.
MetricsFormat choose_format(std::string_view accept);

// gzip only if the client names it, or sends a wildcard and refuses identity. nullopt: neither is acceptable.
std::optional<ContentCoding> choose_coding(std::string_view accept_encoding);

// For Content-Type.
constexpr const char* content_type(MetricsFormat format) {
  return format == MetricsFormat::text ? "text/plain; version=0.0.4; charset=utf-8"
                                       : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

}  // namespace rcached
