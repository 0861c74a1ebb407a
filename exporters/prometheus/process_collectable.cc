// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/process_collectable.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "exporters/prometheus/family_set.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {
namespace {

// proc_pid_stat(5): utime and stime are the 14th and 15th field; the 2nd is the command in parentheses and
// may itself contain spaces and parentheses.
std::optional<double> cpu_seconds(const std::filesystem::path& stat) {
  std::ifstream file(stat);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto command_end = text.rfind(')');
  if (command_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(command_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  if (!(fields >> user_ticks >> system_ticks)) return std::nullopt;
  return (user_ticks + system_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<double> resident_bytes(const std::filesystem::path& statm) {
  std::ifstream file(statm);
  double total_pages = 0;
  double resident_pages = 0;
  if (!(file >> total_pages >> resident_pages)) return std::nullopt;
  return resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::optional<double> open_fds(const std::filesystem::path& fd) {
  std::error_code error;
  std::uint64_t count = 0;
  std::filesystem::directory_iterator entry(fd, error);
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) ++count;
  if (error || count == 0) return std::nullopt;
  return static_cast<double>(count - 1);  // without the one that reads the directory
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollectable::Collect() const {
  FamilySet out;
  if (const auto value = cpu_seconds(proc_self_ / "stat"))
    out.add(metric("process_cpu_seconds_total"), *value);
  if (const auto value = resident_bytes(proc_self_ / "statm")) {
    out.add(metric("process_resident_memory_bytes"), *value);
  }
  if (const auto value = open_fds(proc_self_ / "fd")) out.add(metric("process_open_fds"), *value);
  return out.take();
}

}  // namespace rcached
