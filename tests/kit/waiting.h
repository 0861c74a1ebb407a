// SPDX-License-Identifier: Apache-2.0
// Waits for conditions, never for a fixed time: a test passes as soon as the condition is true, even on a busy
// machine.
#pragma once

#include <chrono>
#include <thread>

namespace rcached::testing {

// Long enough that only a hang reaches it.
inline constexpr std::chrono::minutes kHang{5};

// Returns whether `condition()` becomes true; checked every two milliseconds.
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
