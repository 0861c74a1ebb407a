// SPDX-License-Identifier: Apache-2.0
#include "base/process_figures.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace rcached {
namespace {

// proc_pid_stat(5): utime and stime are the 14th and 15th field; the 2nd is the command in parentheses and
// may itself contain spaces and parentheses.
std::optional<double> cpu_seconds(const std::filesystem::path& stat) {
  std::ifstream file(stat);
  std::string text;
  std::getline(file, text, '\0');  // the whole file; no exception if the read fails
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

std::optional<std::uint64_t> resident_bytes(const std::filesystem::path& statm) {
  std::ifstream file(statm);
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(file >> total_pages >> resident_pages)) return std::nullopt;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> open_fds(const std::filesystem::path& fd) {
  std::error_code error;
  std::uint64_t count = 0;
  std::filesystem::directory_iterator entry(fd, error);
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) ++count;
  if (error || count == 0) return std::nullopt;
  return count - 1;  // without the descriptor that reads the directory
}

}  // namespace

ProcessFigures read_process_figures(const std::filesystem::path& proc_self) {
  return {.cpu_seconds = cpu_seconds(proc_self / "stat"),
          .resident_bytes = resident_bytes(proc_self / "statm"),
          .open_fds = open_fds(proc_self / "fd")};
}

}  // namespace rcached
