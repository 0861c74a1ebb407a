// SPDX-License-Identifier: Apache-2.0
// Measurements of the scrape benchmark: times of repetitions, resident memory of this process.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace rcached::bench {

struct Times {
  std::vector<double> ms;           // in the order of measurement; not empty
  std::vector<double> cpu_ms = {};  // the CPU time of this thread; may be empty

  double first() const { return ms.front(); }
  double slowest() const;
  double median() const { return quantile(0.5); }  // of all
  double quantile(double q) const;
  double settled_median() const;  // without the first, which includes page faults of new memory
  double settled_cpu_median() const;
};

Times measure(std::size_t repetitions, const std::function<void(std::size_t repetition)>& work);

constexpr double kMiB = 1024.0 * 1024.0;

double resident_mib();
// The maximum since the last call of reset_peak().
double peak_mib();
void reset_peak();
// Of malloc: memory in use by the program, and memory obtained from the system.
double allocated_mib();

}  // namespace rcached::bench
