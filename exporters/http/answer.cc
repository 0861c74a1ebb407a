// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/answer.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace rcached {
namespace {

bool has(const HeaderList& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first.size() == name.size() &&
           ::strncasecmp(header.first.data(), name.data(), name.size()) == 0;
  });
}

void add(std::string& head, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(head), "{}: ", name);
  std::copy_if(value.begin(), value.end(), std::back_inserter(head),
               [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  head += "\r\n";
}

}  // namespace

std::string render_head(const HttpResponse& response, const HeaderList& extra) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) add(head, "Content-Type", response.content_type);
  if (response.stream) {
    add(head, "X-Accel-Buffering", "no");
  } else if (!bodiless) {
    const std::size_t shared = response.shared_body ? response.shared_body->size() : 0;
    add(head, "Content-Length", std::to_string(shared + response.body.size()));
  }
  add(head, "Connection", "close");
  for (const auto& [name, value] : response.headers) add(head, name, value);
  for (const auto& [name, value] : extra) {
    if (!has(response.headers, name)) add(head, name, value);
  }
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOwn = {
      {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
  for (const auto& [name, value] : kOwn) {
    if (!has(response.headers, name) && !has(extra, name)) add(head, name, value);
  }
  return head + "\r\n";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

HttpResponse plain_answer(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

HttpResponse plain_answer(int status, std::string text, std::chrono::milliseconds retry_after) {
  HttpResponse response = plain_answer(status, std::move(text));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
  response.headers = {{"Retry-After", std::to_string(std::max<long>(1, seconds))}};
  return response;
}

}  // namespace rcached
