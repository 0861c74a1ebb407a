// SPDX-License-Identifier: Apache-2.0
// Each case runs in a separate child process, because the descriptor numbers are fixed.
#include "daemon/service/activation.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

namespace rcached {
namespace {

int stream_socket(bool listening) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  if (listening && ::listen(fd, 1) != 0) return -1;
  return fd;
}

// Runs `check` with the descriptors as 3, 4, ... and LISTEN_FDS set to their number; returns the result of `check`.
bool in_child(const std::vector<int>& fds, const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<int> high;
    for (const int fd : fds) high.push_back(::fcntl(fd, F_DUPFD, 100));
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(fds.size()).c_str(), 1);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Activation, WithoutAServiceManagerThereAreNone) {
  const auto given = take_descriptors();
  ASSERT_TRUE(given);
  EXPECT_TRUE(given->sockets.empty());
  EXPECT_TRUE(given->kept.empty());
}

TEST(Activation, ListeningSocketsAreTakenOnce) {
  EXPECT_TRUE(in_child({stream_socket(true), stream_socket(true)}, [] {
    const auto given = take_descriptors();
    const auto again = take_descriptors();
    return given && given->sockets == std::vector<int>{3, 4} && again && again->sockets.empty() &&
           std::getenv("LISTEN_FDS") == nullptr && (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
  }));
}

TEST(Activation, KeptDescriptorsAreRecognizedByName) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  EXPECT_TRUE(in_child({pipe_ends[0], stream_socket(true), pipe_ends[1]}, [] {
    ::setenv("LISTEN_FDNAMES", "links-7:rcached.socket:links-9", 1);
    const auto given = take_descriptors();
    return given && given->sockets == std::vector<int>{4} && given->kept.size() == 2 &&
           given->kept[0].fd.get() == 3 && given->kept[0].name == "links-7" && given->kept[1].fd.get() == 5 &&
           given->kept[1].name == "links-9" && (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
  }));
}

TEST(Activation, AnythingElseIsRefused) {
  const auto refused = [](const std::string& what) {
    const auto given = take_descriptors();
    return !given && given.error().code == ErrorCode::config &&
           given.error().message.find(what) != std::string::npos &&
           given.error().hint.find("ListenStream=") != std::string::npos;
  };
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  EXPECT_TRUE(
      in_child({stream_socket(true), stream_socket(false)}, [&] { return refused("socket 2 of 2 "); }));
  EXPECT_TRUE(in_child({::socket(AF_INET, SOCK_DGRAM, 0)}, [&] { return refused("socket 1 of 1 "); }));
  EXPECT_TRUE(in_child({pipe_ends[0]}, [&] { return refused("socket 1 of 1 "); }));
}

}  // namespace
}  // namespace rcached
