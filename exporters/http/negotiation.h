// SPDX-License-Identifier: Apache-2.0
// Content negotiation of /metrics (RFC 9110, 12.5): which format and which coding a client wants, out of its
// Accept and Accept-Encoding headers. Pure; any bytes are accepted, in linear time. An element that makes no
// sense is as if it were not there.
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

// The format with the highest q; of two that are equal the one that was asked for by its own name rather
// than by a wildcard, then the one named first. Text where nothing that we have is named, as all Prometheus
// clients do: a scraper that cannot read it says so better than a 406 would.
MetricsFormat choose_format(std::string_view accept);

// gzip only where the client names it, or a wildcard while identity is refused. nullopt: neither will do.
std::optional<ContentCoding> choose_coding(std::string_view accept_encoding);

// For Content-Type.
constexpr const char* content_type(MetricsFormat format) {
  return format == MetricsFormat::text ? "text/plain; version=0.0.4; charset=utf-8"
                                       : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

}  // namespace rcached
