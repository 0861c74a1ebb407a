// SPDX-License-Identifier: Apache-2.0
// `make bench-scrape`: the cost of a scrape, compared with the cost when using only prometheus-cpp. Every part
// runs in a separate process, so that none affects the memory of the next. Exit status 1: a target was missed.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/scrape_parts.h"

namespace rcached::bench {
namespace {

// A number with a suitable number of decimals.
std::string shown(const nlohmann::ordered_json& value) {
  if (!value.is_number_float()) return value.dump();
  const double number = value.get<double>();
  return number < 10 ? fmt::format("{:.3f}", number) : fmt::format("{:.1f}", number);
}

bool print(const Part& part, const Result& result, const std::string& json_path) {
  fmt::print("{}: {}\n ", part.name, result.what);
  for (const auto& [name, value] : result.figures.items()) fmt::print(" {} {},", name, shown(value));
  fmt::print("\n");
  bool met = true;
  nlohmann::ordered_json targets = nlohmann::ordered_json::array();
  for (const Target& target : result.targets) {
    fmt::print("  {}: {} {:.3f}, target at most {:g}\n", target.met() ? "ok" : "MISSED", target.what,
               target.measured, target.limit);
    targets.push_back({{"what", target.what},
                       {"measured", target.measured},
                       {"limit", target.limit},
                       {"met", target.met()}});
    met = met && target.met();
  }
  if (!json_path.empty()) {
    nlohmann::ordered_json line = {{"part", part.name}, {"what", result.what}};
    line.update(result.figures);
    line["targets"] = targets;
    std::ofstream(json_path, std::ios::app) << line.dump() << '\n';
  }
  std::fflush(stdout);
  return met;
}

int run_part(const Part& part, const Settings& settings, const std::string& json_path) {
  try {
    bool met = true;
    for (const Result& result : part.run(settings)) met = print(part, result, json_path) && met;
    return met ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", part.name, error.what());
    return 2;
  }
}

int run_in_child(const Part& part, const Settings& settings, const std::string& json_path) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) return 2;
  if (child == 0) {
    const int status = run_part(part, settings, json_path);
    std::fflush(stdout);
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int main(int argc, char** argv) {
  std::vector<std::string> names;
  for (const Part& part : parts()) names.emplace_back(part.name);

  CLI::App app("The cost of a scrape of /metrics");
  std::vector<std::string> wanted;
  std::string json_path;
  Settings settings;
  int seconds = static_cast<int>(settings.time.count());
  bool list = false;
  app.add_option("--part", wanted, "Run only this part (may be repeated)")->check(CLI::IsMember(names));
  app.add_option("--json", json_path, "Append a JSON line for each result to this file");
  app.add_option("--seconds", seconds, "Duration of the concurrent parts")->check(CLI::Range(2, 3600));
  app.add_option("--scrapers", settings.scrapers, "Scrapers of the concurrent parts")
      ->check(CLI::Range(1, 256));
  app.add_option("--threads", settings.threads, "The server's threads (http.threads)")
      ->check(CLI::Range(1, 64));
  app.add_flag("--list", list, "List the parts");
  CLI11_PARSE(app, argc, argv);
  settings.time = std::chrono::seconds(seconds);

  int worst = 0;
  for (const Part& part : parts()) {
    if (list) {
      fmt::print("{:<16} {}\n", part.name, part.what);
    } else if (wanted.empty() || std::find(wanted.begin(), wanted.end(), part.name) != wanted.end()) {
      worst = std::max(worst, run_in_child(part, settings, json_path));
    }
  }
  return worst;
}

}  // namespace
}  // namespace rcached::bench

int main(int argc, char** argv) { return rcached::bench::main(argc, argv); }
