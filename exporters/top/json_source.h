// SPDX-License-Identifier: Apache-2.0
// JsonSource: where the answers of the API come from: a daemon over HTTP (ApiClient), or the same handlers in
// this process (LocalClient).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace rcached::top {

struct FetchError {
  enum class Kind : std::uint8_t {
    unreachable,   // nobody answers there
    unauthorized,  // 401, 403
    not_ready,     // 503: it starts
    not_found,     // 404: the domain has gone, or it is not an rcached of this version
    bad_answer,    // not what the API promises
    refused,       // any other status
  };
  Kind kind = Kind::bad_answer;
  std::string message;  // what happened, where; may hold text from the other side: not fit for a terminal yet
  std::string mend;     // what to do; may be empty
};

using Fetched = tl::expected<std::string, FetchError>;

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
