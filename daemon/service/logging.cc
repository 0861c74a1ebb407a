// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/logging.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace rcached {
namespace {

// %P: "<6>".
class PriorityFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    fmt::format_to(std::back_inserter(out), "<{}>", log_priority(message.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<PriorityFlag>(); }
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

bool is_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
  struct stat info {};
  if (stream == nullptr || fstat(fd, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

LogStyle choose_log_style(int stderr_fd) {
  return is_journal(stderr_fd) || isatty(stderr_fd) == 0 ? LogStyle::service : LogStyle::terminal;
}

int log_priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return 2;
    case spdlog::level::err:
      return 3;
    case spdlog::level::warn:
      return 4;
    case spdlog::level::info:
      return 6;
    default:
      return 7;
  }
}

std::unique_ptr<spdlog::formatter> make_log_formatter(LogStyle style) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PriorityFlag>('P');
  formatter->set_pattern(style == LogStyle::service ? "%P%v" : "%H:%M:%S %^%l%$ %v");
  return formatter;
}

void set_log_level(LogLevel level) { spdlog::set_level(to_spdlog(level)); }

void setup_logging(LogLevel level, LogStyle style) {
  std::shared_ptr<spdlog::logger> logger;
  if (style == LogStyle::terminal) {
    logger = std::make_shared<spdlog::logger>("rcached",
                                              std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>());
  } else {
    logger = std::make_shared<spdlog::logger>("rcached", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }
  logger->set_formatter(make_log_formatter(style));
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace rcached
