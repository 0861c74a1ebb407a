// SPDX-License-Identifier: Apache-2.0
// Error: a failure as a value. `message` states what failed and where; `hint` states what the operator can do
// about it.
//
// RCACHED_TRY and RCACHED_CHECK propagate the error of a called function:
//   Expected<Config> load(...) {
//     RCACHED_TRY(const std::string text, read_file(path));  // returns read_file()'s error or defines `text`
//     RCACHED_CHECK(check_owner(path));                      // the same for an Expected<void>
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace rcached {

enum class ErrorCode : int {
  // Also exit codes of rcached, listed in `rcached --help`.
  ok = 0,
  internal = 1,
  usage = 2,           // wrong command line
  config = 3,          // config missing, malformed, unknown or wrong key
  permission = 4,      // not root / CAP_BPF, CAP_PERFMON missing, or the kernel's policy refuses tracing
  no_btf = 5,          // /sys/kernel/btf/vmlinux missing
  lockdown = 6,        // kernel lockdown forbids reading kernel memory
  no_iommu = 7,        // no IOMMU group does DMA translation
  unknown_layout = 8,  // the layout of the kernel's IOVA structures is not supported
  attach = 9,          // a probe could not be loaded or attached
  port_taken = 10,     // the HTTP address is in use, is not this host's, or is privileged
  second_instance = 11,

  // For callers inside the process; rcached exits with 1 for them.
  io = 64,       // reading or writing failed
  no_space,      // disk, quota or the process's file size limit
  foreign_file,  // the file was not written by rcached and is left unchanged
  not_found,     // a file, a directory, or a resource of the API (404)
  not_ready,     // the daemon is starting (503)
  unreachable,   // no server responds
  bad_answer,    // the server's response is invalid
  refused,       // the server refused the request
};

constexpr int exit_status(ErrorCode code) {
  return code < ErrorCode::io ? static_cast<int>(code) : static_cast<int>(ErrorCode::internal);
}

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint;  // may be empty
};

template <typename T>
using Expected = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

}  // namespace rcached

#define RCACHED_CONCAT_(a, b) a##b
#define RCACHED_CONCAT(a, b) RCACHED_CONCAT_(a, b)
#define RCACHED_TRY_(result, declaration, ...)                   \
  auto result = (__VA_ARGS__);                                   \
  if (!result) return tl::unexpected(std::move(result).error()); \
  declaration = *std::move(result)

// Three statements: it cannot be the body of an `if` without braces.
#define RCACHED_TRY(declaration, ...) \
  RCACHED_TRY_(RCACHED_CONCAT(rcached_result_, __LINE__), declaration, __VA_ARGS__)

#define RCACHED_CHECK(...)                                      \
  do {                                                          \
    if (auto rcached_result = (__VA_ARGS__); !rcached_result)   \
      return tl::unexpected(std::move(rcached_result).error()); \
  } while (false)
