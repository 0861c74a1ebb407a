// SPDX-License-Identifier: Apache-2.0
// The bytes of an answer's head, and the answers that the server gives by itself.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/http/message.h"

namespace rcached {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Status line and headers up to the empty line. A header of the response wins over one of `extra`, and both
// win over the server's own (Cache-Control: no-store, X-Content-Type-Options: nosniff). Without
// Content-Length when it streams. Bytes in a header's value that would end it are left out.
std::string render_head(const HttpResponse& response, const HeaderList& extra);

std::string_view reason_phrase(int status);

// Text, for people; `retry_after` adds the header, in whole seconds and at least one.
HttpResponse plain_answer(int status, std::string text);
HttpResponse plain_answer(int status, std::string text, std::chrono::milliseconds retry_after);

}  // namespace rcached
