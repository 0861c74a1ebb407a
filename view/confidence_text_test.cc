// SPDX-License-Identifier: Apache-2.0
#include "view/confidence_text.h"
#include "base/monotonic_clock.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(ConfidenceText, OnlyResyncedHasAnAge) {
  struct Row {
    Confidence confidence;
    std::uint64_t resynced_ns;
    std::uint64_t now_ns;
    const char* text;
  };
  for (const Row& row : {
           Row{Confidence::exact, 5 * kSecond, 9 * kSecond, "exact"},
           Row{Confidence::partial, 0, 9 * kSecond, "partial"},
           Row{Confidence::lossy, 5 * kSecond, 9 * kSecond, "lossy"},
           Row{Confidence::resynced, 5 * kSecond, 9 * kSecond, "resynced 4 s ago"},
           Row{Confidence::resynced, 5 * kSecond, 124 * kSecond, "resynced 119 s ago"},
           Row{Confidence::resynced, 5 * kSecond, 125 * kSecond, "resynced 2 min ago"},
           Row{Confidence::resynced, 5 * kSecond, 7204 * kSecond, "resynced 119 min ago"},
           Row{Confidence::resynced, 5 * kSecond, 7205 * kSecond, "resynced 2 h ago"},
           Row{Confidence::resynced, 5 * kSecond, 4 * kSecond,
               "resynced 0 s ago"},  // just now, on another CPU
           Row{Confidence::resynced, 0, 4 * kSecond, "resynced"},
       }) {
    DomainSnapshot domain;
    domain.confidence = row.confidence;
    domain.audit.resynced_ns = row.resynced_ns;
    EXPECT_EQ(confidence_text(domain, row.now_ns), row.text);
  }
}

TEST(ConfidenceText, TheClockAdvances) {
  const std::uint64_t before = monotonic_now_ns();
  EXPECT_GT(before, 0u);
  EXPECT_GE(monotonic_now_ns(), before);
}

}  // namespace
}  // namespace rcached
