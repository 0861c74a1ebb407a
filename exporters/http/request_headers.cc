// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/request_headers.h"

#include <strings.h>

#include <cstring>

namespace rcached {

std::string_view RequestHeaders::get(std::string_view name) {
  std::string_view first;
  std::string* joined = nullptr;
  for (int i = 0; i < request_.num_headers; ++i) {
    const mg_header& header = request_.http_headers[i];
    if (header.name == nullptr || header.value == nullptr || std::strlen(header.name) != name.size() ||
        ::strncasecmp(header.name, name.data(), name.size()) != 0) {
      continue;
    }
    if (first.data() == nullptr) {
      first = header.value;
      continue;
    }
    if (joined == nullptr) joined = &joined_.emplace_back(first);
    joined->append(", ").append(header.value);
  }
  return joined == nullptr ? first : std::string_view(*joined);
}

}  // namespace rcached
