// SPDX-License-Identifier: Apache-2.0
// JsonSource: where the answers of the API come from: a daemon over HTTP (ApiClient), or the same handlers in
// this process (LocalClient).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace rcached::top {

using Fetched = Expected<std::string>;

class JsonSource {
 public:
  virtual ~JsonSource() = default;
  // The body of the answer to GET `path` ("/api/v1/domains"). Takes its time; one thread at a time.
  virtual Fetched get(const std::string& path) = 0;
  // Any thread: has a get() that is under way end soon, with whatever result.
  virtual void cancel() = 0;
};

// The body when the status is 200, else what it means. `where` is for messages: "http://127.0.0.1:9731".
Fetched judge_answer(int status, std::string body, const std::string& where);

// A domain's label as one segment of a path.
std::string percent_encode(std::string_view label);

}  // namespace rcached::top
