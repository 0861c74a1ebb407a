// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/control_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "daemon/config/values.h"
#include "daemon/service/control_socket.h"

namespace rcached {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

tl::unexpected<Error> cannot_reach(int error, const std::string& path) {
  if (error == EACCES || error == EPERM) {
    return fail(ErrorCode::permission,
                fmt::format("cannot reach the running rcached: {} ({})", std::strerror(error), path),
                "run as root or as the user that runs rcached");
  }
  if (error == ENOENT || error == ENOTDIR || error == ECONNREFUSED) {
    return fail(ErrorCode::internal,
                fmt::format("no running rcached can be reached: {} ({})", std::strerror(error), path),
                "start it ('systemctl start rcached' or 'rcached run'), or pass the configuration that it "
                "runs with to --config");
  }
  return fail(ErrorCode::internal,
              fmt::format("cannot reach the running rcached: {} ({})", std::strerror(error), path),
              "see its log");
}

// One connection with a deadline for everything.
class Client {
 public:
  Client(const std::string& path, milliseconds timeout)
      : path_(path), timeout_(timeout), end_(Clock::now() + timeout) {}

  Expected<std::string> ask(std::string_view request) {
    RCACHED_CHECK(connect());
    RCACHED_CHECK(send_all(std::string(request) + "\n"));
    return read_all();
  }

 private:
  // Within the deadline; POLLHUP and POLLERR are reported by the call that follows.
  Expected<void> wait(short events) const {
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(end_ - Clock::now()).count();
      if (left <= 0) {
        return fail(ErrorCode::internal,
                    fmt::format("no answer within {} ({})", format_duration(timeout_), path_),
                    "try again when the host is less busy; if this persists, see the log of rcached");
      }
      pollfd polled{fd_.get(), events, 0};
      const int ready = poll(&polled, 1, static_cast<int>(std::min<milliseconds::rep>(left, 60'000)));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return cannot_reach(errno, path_);
    }
  }

  Expected<void> connect() {
    fd_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_.valid()) return cannot_reach(errno, path_);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    while (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno != EAGAIN && errno != EINTR) return cannot_reach(errno, path_);
      // The backlog is full, and poll() cannot wait for a Unix socket to connect: try again.
      if (Clock::now() >= end_) return wait(POLLOUT);
      poll(nullptr, 0, 50);
    }
    return {};
  }

  Expected<void> send_all(std::string_view text) {
    while (!text.empty()) {
      if (auto good = wait(POLLOUT); !good) return good;
      const ssize_t sent = send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return cannot_reach(errno, path_);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
  }

  Expected<std::string> read_all() {
    std::string answer;
    char buffer[65536];
    for (;;) {
      RCACHED_CHECK(wait(POLLIN));
      const ssize_t got = recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      // A reset: the daemon did not read the whole request; the answer explains it.
      if (got == 0 || (got < 0 && errno == ECONNRESET)) break;
      if (got < 0) return cannot_reach(errno, path_);
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    if (!answer.ends_with('\n')) {
      return fail(ErrorCode::internal, fmt::format("rcached exited before answering ({})", path_),
                  "see its log, and try again when it is running");
    }
    answer.pop_back();
    return answer;
  }

  const std::string& path_;
  const milliseconds timeout_;
  const Clock::time_point end_;
  UniqueFd fd_;
};

}  // namespace

Expected<std::string> ask_daemon(const std::string& run_directory, std::string_view request,
                                 milliseconds timeout) {
  RCACHED_TRY(const auto path, control_socket_path(run_directory));
  return Client(path, timeout).ask(request);
}

}  // namespace rcached
