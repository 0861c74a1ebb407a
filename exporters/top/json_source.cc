// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/json_source.h"

#include <fmt/format.h>

#include "base/error.h"
#include "exporters/top/parse.h"

namespace rcached::top {

Fetched judge_answer(int status, std::string body, const std::string& where) {
  if (status == 200) return body;
  ApiError told = parse_api_error(body);
  const auto error = [&](ErrorCode code, std::string message, std::string hint) {
    if (!told.message.empty()) message = fmt::format("{} says: {}", where, told.message);
    if (!told.hint.empty()) hint = told.hint;
    return tl::unexpected(Error{code, std::move(message), std::move(hint)});
  };
  switch (status) {
    case 401:
    case 403:
      return tl::unexpected(
          Error{ErrorCode::permission,
                fmt::format("{} refuses the name or the password (status {})", where, status),
                "give --user NAME, and the password in the environment variable "
                "RCACHED_PASSWORD"});
    case 404:
      return error(ErrorCode::not_found,
                   fmt::format("{} does not have the API of rcached (status 404)", where),
                   "check the address, or update the rcached that runs there");
    case 429:
      return error(ErrorCode::refused, fmt::format("{} answers no more requests for now (status 429)", where),
                   "raise http.rate in its configuration, or --interval here");
    case 503:
      return error(ErrorCode::not_ready, fmt::format("{} is not ready (status 503)", where),
                   "try again in a moment");
    default:
      return error(ErrorCode::refused, fmt::format("{} answers with status {}", where, status),
                   "check the address, and the log of rcached");
  }
}

std::string percent_encode(std::string_view label) {
  std::string out;
  for (const char c : label) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace rcached::top
