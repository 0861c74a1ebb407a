// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/measure.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace rcached::bench {
namespace {

double quantile_of(std::vector<double> values, double q) {
  const auto place = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

double status_mib(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == field && file >> kib) return kib / 1024;
  }
  return 0;
}

}  // namespace

double Times::slowest() const { return *std::max_element(ms.begin(), ms.end()); }
double Times::quantile(double q) const { return quantile_of(ms, q); }
double Times::settled_median() const {
  return ms.size() < 2 ? ms.front() : quantile_of({ms.begin() + 1, ms.end()}, 0.5);
}

Times measure(std::size_t repetitions, const std::function<void(std::size_t)>& work) {
  using Clock = std::chrono::steady_clock;
  Times times;
  times.ms.reserve(repetitions);
  for (std::size_t i = 0; i < repetitions; ++i) {
    const auto start = Clock::now();
    work(i);
    times.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  return times;
}

double resident_mib() { return status_mib("VmRSS:"); }
double peak_mib() { return status_mib("VmHWM:"); }
void reset_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

double allocated_mib() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / kMiB;
}

}  // namespace rcached::bench
