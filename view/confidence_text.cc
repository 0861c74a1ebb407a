// SPDX-License-Identifier: Apache-2.0
#include "view/confidence_text.h"

#include <fmt/format.h>

namespace rcached {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// In the largest unit of which there are at least two: 119 s, 2 min, 47 h.
std::string age(std::uint64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}

}  // namespace

std::string confidence_text(const DomainSnapshot& domain, std::uint64_t now_ns) {
  std::string word(to_string(domain.confidence));
  const std::uint64_t since = domain.audit.resynced_ns;
  if (domain.confidence != Confidence::resynced || since == 0) return word;
  return fmt::format("{} {} ago", word, age(now_ns > since ? (now_ns - since) / kSecond : 0));
}

}  // namespace rcached
