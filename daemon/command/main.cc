// SPDX-License-Identifier: Apache-2.0
// rcached: main(). Every failure is one line on stderr and an exit code of error.h.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <system_error>

#include "base/error.h"
#include "base/version.h"
#include "daemon/command/audit.h"
#include "daemon/command/command_line.h"
#include "daemon/command/commands.h"
#include "daemon/command/run.h"
#include "daemon/command/top.h"
#include "daemon/service/logging.h"

namespace rcached {
namespace {

Expected<void> dispatch(const CommandLine& line, ErrorCode& code) {
  switch (line.command) {
    case Command::run:
      return run_command(line);
    case Command::top:
      return top_command(line, stdout);
    case Command::audit:
      return audit_command(line, stdout);
    case Command::check:
      code = check_command(line, stdout);
      return {};
    case Command::domains:
      return domains_command(line, stdout);
    case Command::config_show:
      return config_show_command(line, stdout);
    case Command::check_config:
      return check_config_command(line, stdout);
    case Command::version:
      fmt::print("rcached {}\n", RCACHED_VERSION);
      return {};
    case Command::help:
      fmt::print("{}", line.help_text);
      return {};
  }
  return {};
}

int report(const Error& error) {
  const char* priority = is_journal(STDERR_FILENO) ? "<3>" : "";
  fmt::print(stderr, "{}rcached: {}{}{}\n", priority, error.message, error.hint.empty() ? "" : "; ",
             error.hint);
  return exit_status(error.code);
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // writing to a closed stdout or connection returns an error instead
  const auto line = parse_command_line(argc, argv);
  if (!line) return report(line.error());
  ErrorCode code = ErrorCode::ok;
  if (const auto done = dispatch(*line, code); !done) return report(done.error());
  return exit_status(code);
}

// `code`, unless writing to stdout failed with `error` (errno). A closed pipe (`| head`) is no failure.
int finish(int code, int error) {
  if (error == 0 || error == EPIPE) return code;
  const int lost = report(
      {ErrorCode::internal, fmt::format("cannot write to standard output: {}", std::strerror(error)), ""});
  return code != 0 ? code : lost;
}

}  // namespace
}  // namespace rcached

int main(int argc, char** argv) {
  try {
    const int code = rcached::run(argc, argv);
    return rcached::finish(code, std::fflush(stdout) == 0 ? 0 : errno);
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return rcached::finish(0, error.code().value());  // thrown by fmt::print
    return rcached::report({rcached::ErrorCode::internal, error.what(), "report this as a bug"});
  } catch (const std::exception& error) {
    return rcached::report({rcached::ErrorCode::internal, error.what(), "report this as a bug"});
  }
}
