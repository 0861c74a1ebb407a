// SPDX-License-Identifier: Apache-2.0
// Waiting for a condition, never for a time: a test passes as soon as the condition holds, however busy the
// machine is.
#pragma once

#include <chrono>
#include <thread>

namespace rcached::testing {

// So long that only a hang reaches it.
inline constexpr std::chrono::minutes kHang{5};

// Whether `condition()` becomes true; checked every two milliseconds.
template <typename Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kHang;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace rcached::testing
