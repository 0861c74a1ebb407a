// SPDX-License-Identifier: Apache-2.0
// Logging setup. All of rcached logs through spdlog's default logger to stderr:
//   service  <6>message, sd-daemon priority prefix, no time: the journal adds one
//   terminal 17:04:05 warning message, in colours
#pragma once

#include <spdlog/common.h>

#include <cstdint>
#include <memory>

#include "daemon/config/config.h"

namespace spdlog {
class formatter;
}

namespace rcached {

enum class LogStyle : std::uint8_t { service, terminal };

// Whether `fd` is the journal's socket: JOURNAL_STREAM names it.
bool is_journal(int fd);

// service when stderr is the journal's socket or not a terminal.
LogStyle choose_log_style(int stderr_fd);

// Call once, before other threads start.
void setup_logging(LogLevel level, LogStyle style);

// At any time, from any thread.
void set_log_level(LogLevel level);

std::unique_ptr<spdlog::formatter> make_log_formatter(LogStyle style);

// The number in sd-daemon's prefix: syslog's priorities.
int log_priority(spdlog::level::level_enum level);

}  // namespace rcached
