// SPDX-License-Identifier: Apache-2.0
// The parts of the scrape benchmark. Each runs in a separate process.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rcached::bench {

struct Target {
  std::string what;
  double measured = 0;
  double limit = 0;  // maximum
  bool met() const { return measured <= limit; }
};

struct Result {
  std::string what;                // description
  nlohmann::ordered_json figures;  // name to number
  std::vector<Target> targets = {};
};

struct Settings {
  std::chrono::seconds time{10};  // of the concurrent parts
  unsigned scrapers = 16;
  unsigned threads = 8;  // of the server; http.threads
};

struct Part {
  std::string_view name;
  std::string_view what;
  std::function<std::vector<Result>(const Settings&)> run;
};

const std::vector<Part>& parts();

// Baselines for comparison (scrape_baselines.cc).
std::vector<Result> run_registry();
std::vector<Result> run_collectable();

}  // namespace rcached::bench
