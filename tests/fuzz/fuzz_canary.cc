// SPDX-License-Identifier: Apache-2.0
// Fails in the way its input requests, so that tests/fuzz/run --self-test can check every kind of finding.
#include <unistd.h>

#include <climits>
#include <vector>

#include "tests/fuzz/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = rcached::fuzz::text_of(data, size);
  rcached::fuzz::check(text != "violation", "a property");
  if (text == "address") {
    std::vector<char> three(3);
    volatile std::size_t beyond = 3;
    volatile char read = three.data()[beyond];
    (void)read;
  }
  if (text == "undefined") {
    volatile int most = INT_MAX;
    most = most + 1;
  }
  if (text == "leak") {
    static char* volatile lost = nullptr;
    lost = new char[8];
    rcached::fuzz::check(lost != nullptr, "memory");
    lost = nullptr;
  }
  if (text == "timeout") {
    for (;;) ::usleep(100'000);
  }
  if (text == "memory") {
    std::vector<std::vector<char>> all;
    for (;;) {
      all.emplace_back(16u << 20, 'x');
      ::usleep(50'000);
    }
  }
  return 0;
}
