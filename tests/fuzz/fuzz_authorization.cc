// SPDX-License-Identifier: Apache-2.0
// The Authorization header. Hashing is hardly tested: the only user has a cheap hash that few inputs reach.
#include "exporters/http/basic_auth.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto credentials = parse_basic(text);
  if (!credentials) {
    BasicAuth auth(
        {{.name = "alice", .hash = "$2y$04$abcdefghijklmnopqrstuuDXuWb3nKzPcxkm3Ff4WHSvJbvDQDtbm"}}, 1);
    check(auth.check(text, "127.0.0.1") == BasicAuth::Verdict::refused,
          "other schemes than Basic are rejected", text);
    check(auth.computed() == 0, "without computing a hash", text);
    return 0;
  }
  check(credentials->user.find(':') == std::string::npos, "the first colon ends the name", credentials->user);
  check(credentials->user.size() + credentials->password.size() < text.size(), "not longer than the header",
        text);
  return 0;
}
