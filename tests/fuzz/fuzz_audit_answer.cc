// SPDX-License-Identifier: Apache-2.0
// Responses of an arbitrary listener on the control socket to `rcached audit`.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "daemon/command/audit.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = parse_audit_answer(fuzz::text_of(data, size));
  if (!answer) {
    const int code = static_cast<int>(answer.error().code);
    check(code > 0 && code <= static_cast<int>(ErrorCode::second_instance), "a valid exit code",
          answer.error().message);
    return 0;
  }
  check(nlohmann::json::accept(answer->json), "--json prints JSON", answer->json);
  check(answer->json.ends_with('\n'), "whole lines", answer->json);
  return 0;
}
