// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "base/text.h"
#include "exporters/api/json.h"
#include "exporters/api/status_model.h"

namespace rcached::api {
namespace {

std::optional<unsigned> hexadecimal(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::string> form_decode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

std::string unknown_parameter(std::string_view name, const std::vector<std::string_view>& known) {
  std::string list;
  for (const std::string_view one : known) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", one);
  return fmt::format("unknown query parameter {}; this path accepts {}", in_quotes(name),
                     list.empty() ? "none" : list);
}

tl::unexpected<Error> refused(std::string message) { return tl::unexpected(bad_request(std::move(message))); }

constexpr std::size_t kMaxLabels = 16;

std::string list_of(const std::vector<NamedDomain>& known) {
  if (known.empty()) return "no domain has been seen yet: one appears with its first mapping";
  std::string list;
  for (std::size_t i = 0; i < std::min(known.size(), kMaxLabels); ++i) {
    list += (i == 0 ? "" : ", ") + in_quotes(known[i].info.label);
  }
  if (known.size() > kMaxLabels) list += fmt::format(" and {} more", known.size() - kMaxLabels);
  return fmt::format("use one of {}; /api/v1/domains lists all of them", list);
}

// For each code, the first status is the one that is sent.
constexpr std::array<std::pair<ErrorCode, int>, 6> kStatuses = {{{ErrorCode::usage, 400},
                                                                 {ErrorCode::permission, 403},
                                                                 {ErrorCode::permission, 401},
                                                                 {ErrorCode::not_found, 404},
                                                                 {ErrorCode::refused, 429},
                                                                 {ErrorCode::not_ready, 503}}};

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hexadecimal(text[i + 1]);
    const auto low = hexadecimal(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

Expected<Parameters> parse_query(std::string_view query, const std::vector<std::string_view>& known) {
  Parameters out;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    auto name = form_decode(piece.substr(0, equals));
    auto value =
        form_decode(equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1));
    if (!name || !value) return refused("the query string has a '%' without two hexadecimal digits");
    if (std::find(known.begin(), known.end(), *name) == known.end()) {
      return refused(unknown_parameter(*name, known));
    }
    if (value_of(out, *name) != nullptr) {
      return refused(fmt::format("the query parameter {} is given twice", in_quotes(*name)));
    }
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

const std::string* value_of(const Parameters& parameters, std::string_view name) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const auto& parameter) { return parameter.first == name; });
  return found == parameters.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxLength = 64;
  std::string shown = valid_utf8(text.substr(0, kMaxLength));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return fmt::format("\"{}{}\"", shown, text.size() > kMaxLength ? "..." : "");
}

int http_status(ErrorCode code) {
  for (const auto& [each, status] : kStatuses) {
    if (each == code) return status;
  }
  return 500;
}

ErrorCode code_of_status(int status) {
  for (const auto& [code, each] : kStatuses) {
    if (each == status) return code;
  }
  return ErrorCode::refused;
}

Error bad_request(std::string message) {
  return {ErrorCode::usage, std::move(message),
          "/api/v1/openapi.json describes every path and its parameters"};
}

Error unknown_domain(const std::vector<NamedDomain>& known, std::string_view label) {
  return {ErrorCode::not_found, fmt::format("this host has no domain {}", in_quotes(label)), list_of(known)};
}

Error not_ready() {
  return {ErrorCode::not_ready, "rcached is starting: no snapshot has been taken yet",
          "retry in a second; /-/ready reports when rcached is ready"};
}

std::string error_body(const Error& error) {
  return to_json(ErrorAnswer{{valid_utf8(error.message), valid_utf8(error.hint)}});
}

HttpResponse error_response(const Error& error) {
  HttpResponse response;
  response.status = http_status(error.code);
  response.content_type = "application/json";
  response.body = error_body(error);
  return response;
}

}  // namespace rcached::api
