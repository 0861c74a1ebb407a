// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/measure.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

namespace rcached::bench {
namespace {

double quantile_of(std::vector<double> values, double q) {
  const auto place = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

// Without the first, which includes one-time costs.
double settled(const std::vector<double>& values) {
  return values.size() < 2 ? values.front() : quantile_of({values.begin() + 1, values.end()}, 0.5);
}

double thread_cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
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
double Times::settled_median() const { return settled(ms); }
double Times::settled_cpu_median() const { return settled(cpu_ms); }

Times measure(std::size_t repetitions, const std::function<void(std::size_t)>& work) {
  using Clock = std::chrono::steady_clock;
  Times times;
  times.ms.reserve(repetitions);
  times.cpu_ms.reserve(repetitions);
  for (std::size_t i = 0; i < repetitions; ++i) {
    const double cpu_start = thread_cpu_ms();
    const auto start = Clock::now();
    work(i);
    times.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    times.cpu_ms.push_back(thread_cpu_ms() - cpu_start);
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
