// SPDX-License-Identifier: Apache-2.0
// Logging, service manager and signals: small wrappers, tested against the real thing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "daemon/service/logging.h"
#include "daemon/service/notifier.h"
#include "daemon/service/signals.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

std::string formatted(LogStyle style, spdlog::level::level_enum level, const char* text) {
  spdlog::memory_buf_t out;
  make_log_formatter(style)->format(spdlog::details::log_msg("rcached", level, text), out);
  return fmt::to_string(out);
}

TEST(Logging, ServiceLinesCarryThePriorityAndNoTime) {
  EXPECT_EQ(formatted(LogStyle::service, spdlog::level::debug, "x"), "<7>x\n");
  EXPECT_EQ(formatted(LogStyle::service, spdlog::level::info, "x"), "<6>x\n");
  EXPECT_EQ(formatted(LogStyle::service, spdlog::level::warn, "x"), "<4>x\n");
  EXPECT_EQ(formatted(LogStyle::service, spdlog::level::err, "x"), "<3>x\n");
  EXPECT_EQ(formatted(LogStyle::service, spdlog::level::critical, "x"), "<2>x\n");
}

TEST(Logging, TerminalLinesCarryTimeAndLevel) {
  const std::string line = formatted(LogStyle::terminal, spdlog::level::warn, "x");
  EXPECT_EQ(line.substr(2, 1), ":");
  EXPECT_EQ(line.substr(8), " warning x\n");
}

TEST(Logging, ServiceStyleUnlessStderrIsATerminal) {
  const int file = open("/dev/null", O_WRONLY);
  EXPECT_EQ(choose_log_style(file), LogStyle::service);
  close(file);
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0) << "no pseudo terminal here";
  EXPECT_EQ(choose_log_style(terminal), LogStyle::terminal);
  struct stat info {};
  fstat(terminal, &info);
  setenv("JOURNAL_STREAM", fmt::format("{}:{}", info.st_dev, info.st_ino).c_str(), 1);
  EXPECT_EQ(choose_log_style(terminal), LogStyle::service);
  setenv("JOURNAL_STREAM", "8:1", 1);
  EXPECT_EQ(choose_log_style(terminal), LogStyle::terminal);
  unsetenv("JOURNAL_STREAM");
  close(terminal);
}

// Plays the service manager: an abstract datagram socket in NOTIFY_SOCKET.
class Manager : public testing::Test {
 protected:
  Manager() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const std::string name = "rcached-test-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~Manager() override {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close(fd_);
  }

  std::string received() const {
    char text[256];
    const ssize_t size = recv(fd_, text, sizeof text, 0);
    return size < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(size));
  }

  int fd_;
};

TEST_F(Manager, IsToldWhatHappens) {
  const Notifier notifier;
  EXPECT_TRUE(notifier.supervised());
  EXPECT_EQ(notifier.watchdog_interval(), std::nullopt);
  notifier.ready("well");
  EXPECT_EQ(received(), "READY=1\nSTATUS=well");
  notifier.status("busy");
  EXPECT_EQ(received(), "STATUS=busy");
  notifier.watchdog();
  EXPECT_EQ(received(), "WATCHDOG=1");
  notifier.stopping();
  EXPECT_EQ(received(), "STOPPING=1\nSTATUS=Ending");
}

TEST_F(Manager, WatchesAtTwiceTheInterval) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Notifier().watchdog_interval(), 15s);
  setenv("WATCHDOG_PID", "1", 1);  // meant for another process
  EXPECT_EQ(Notifier().watchdog_interval(), std::nullopt);
}

TEST(Notifier, SaysNothingWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  const Notifier notifier;
  EXPECT_FALSE(notifier.supervised());
  notifier.ready("well");
}

TEST(Signals, AreWaitedFor) {
  SignalWaiter waiter;
  EXPECT_EQ(waiter.wait(0ms), std::nullopt);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    kill(getpid(), signal);
    EXPECT_EQ(waiter.wait(5s), signal);
  }
}

TEST(SignalsDeathTest, ASecondOneEndsTheProcessAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end_by = [](int signal) {
    SignalWaiter waiter;
    waiter.end_at_next(20s);
    raise(signal);
    pause();
  };
  EXPECT_EXIT(end_by(SIGINT), testing::ExitedWithCode(130), "");
  EXPECT_EXIT(end_by(SIGTERM), testing::ExitedWithCode(143), "");
}

TEST(SignalsDeathTest, AnEndThatTakesTooLongIsCutOff) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hang = [] {
    SignalWaiter waiter;
    waiter.end_at_next(50ms);
    for (;;) pause();
  };
  EXPECT_EXIT(hang(), testing::ExitedWithCode(1), "the end took too long");
}

}  // namespace
}  // namespace rcached
