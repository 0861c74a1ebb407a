// SPDX-License-Identifier: Apache-2.0
// Logging, service manager and signals: small wrappers, tested against the real system calls.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "daemon/service/link_store.h"
#include "daemon/service/logging.h"
#include "daemon/service/notifier.h"
#include "daemon/service/signals.h"
#include "tests/kit/waiting.h"

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

// Acts as the service manager: an abstract datagram socket in NOTIFY_SOCKET.
class Manager : public ::testing::Test {
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

TEST_F(Manager, ReceivesNotifications) {
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
  EXPECT_EQ(received(), "STOPPING=1\nSTATUS=Shutting down");
}

// A message to the manager: its text and descriptors.
struct Message {
  std::string text;
  std::vector<UniqueFd> descriptors;
};

Message receive(int socket) {
  std::array<char, 256> text{};
  std::array<std::byte, CMSG_SPACE(8 * sizeof(int))> control{};
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  pollfd readable{socket, POLLIN, 0};
  poll(&readable, 1, static_cast<int>(std::chrono::milliseconds(testing::kHang).count()));
  const ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  Message message{std::string(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size)), {}};
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr;
       part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::vector<int> numbers(count);
    std::memcpy(numbers.data(), CMSG_DATA(part_of), count * sizeof(int));
    for (const int number : numbers) message.descriptors.emplace_back(number);
  }
  return message;
}

ino_t inode_of(int fd) {
  struct stat info {};
  fstat(fd, &info);
  return info.st_ino;
}

TEST_F(Manager, KeepsTheLinksUntilACleanShutdown) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string name = "links-" + std::to_string(getpid());
  const Notifier notifier;
  LinkStore store(notifier, {});
  store.keep(ends);
  const Message kept = receive(fd_);
  EXPECT_EQ(kept.text, "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name);
  ASSERT_EQ(kept.descriptors.size(), 2u);
  EXPECT_EQ(inode_of(kept.descriptors[0].get()), inode_of(ends[0]));

  std::thread end([&] { store.forget(); });
  EXPECT_EQ(receive(fd_).text, "FDSTOREREMOVE=1\nFDNAME=" + name);
  EXPECT_EQ(receive(fd_).text, "BARRIER=1");  // closes its descriptor, which ends the barrier
  end.join();
  store.forget();  // sends nothing
  EXPECT_EQ(received(), "nothing");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Manager, ForgetsTheLinksOfAKilledInstanceBeforeTheyAreClosed) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  std::vector<KeptDescriptor> left;
  left.push_back({UniqueFd(ends[1]), "links-7"});
  left.push_back({UniqueFd(dup(ends[1])), "links-7"});
  const Notifier notifier;
  LinkStore store(notifier, std::move(left));
  std::size_t released = 0;
  std::thread release([&] { released = store.release_left(); });
  EXPECT_EQ(receive(fd_).text, "FDSTOREREMOVE=1\nFDNAME=links-7");
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), -1) << "still open: the manager must not be the last to close";
  EXPECT_EQ(receive(fd_).text, "BARRIER=1");
  release.join();
  EXPECT_EQ(released, 2u);
  EXPECT_EQ(read(ends[0], &byte, 1), 0) << "closed";
  EXPECT_EQ(store.release_left(), 0u);
  EXPECT_EQ(received(), "nothing");
  close(ends[0]);
}

TEST(LinkStore, DoesNothingWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  const Notifier notifier;
  LinkStore store(notifier, {});
  store.keep(std::array{0});
  EXPECT_EQ(store.release_left(), 0u);
  store.forget();
}

TEST_F(Manager, ExpectsTheWatchdogAtHalfItsLimit) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Notifier().watchdog_interval(), 15s);
  setenv("WATCHDOG_PID", "1", 1);  // meant for another process
  EXPECT_EQ(Notifier().watchdog_interval(), std::nullopt);
}

TEST(Notifier, SendsNothingWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  const Notifier notifier;
  EXPECT_FALSE(notifier.supervised());
  notifier.ready("well");
}

TEST(Signals, CanBeWaitedFor) {
  SignalWaiter waiter;
  EXPECT_EQ(waiter.wait(0ms), std::nullopt);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    kill(getpid(), signal);
    EXPECT_EQ(waiter.wait(testing::kHang), signal);
  }
}

TEST(SignalsDeathTest, ASecondSignalEndsTheProcessAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end_by = [](int signal) {
    SignalWaiter waiter;
    waiter.end_at_next(testing::kHang);
    raise(signal);
    pause();
  };
  EXPECT_EXIT(end_by(SIGINT), ::testing::ExitedWithCode(130), "");
  EXPECT_EXIT(end_by(SIGTERM), ::testing::ExitedWithCode(143), "");
}

TEST(SignalsDeathTest, AShutdownThatTakesTooLongIsAborted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto hang = [] {
    SignalWaiter waiter;
    waiter.end_at_next(50ms);
    for (;;) pause();
  };
  EXPECT_EXIT(hang(), ::testing::ExitedWithCode(1), "the shutdown took too long");
}

TEST(Signals, TakesOnlyTheRequestedSignals) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  SignalWaiter signals;
  EXPECT_EQ(signals.take({SIGINT, SIGTERM}), std::nullopt);
  kill(getpid(), SIGHUP);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(signals.take({SIGINT, SIGTERM}), SIGTERM);
  EXPECT_EQ(signals.take({SIGINT, SIGTERM}), std::nullopt);
  EXPECT_EQ(signals.wait(0ms), SIGHUP) << "remains for wait()";
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace rcached
