// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/control_socket.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

namespace rcached {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAcceptPause{100};  // after accept() failed, e.g. with EMFILE
constexpr int kBacklog = 8;

tl::unexpected<Error> socket_error(const char* what, int error, const std::string& path) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  return fail(denied ? ErrorCode::permission : ErrorCode::internal,
              fmt::format("cannot {} the control socket: {} ({})", what, std::strerror(error), path),
              "set run_directory to a directory used only by rcached");
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

// Whether a process listens on the socket at `path`.
bool is_alive(const std::string& path) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_un address = address_of(path);
  // EACCES (another user's socket) and EAGAIN (a busy one) count as alive.
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         (errno != ECONNREFUSED && errno != ENOENT);
}

Expected<void> remove_stale_socket(const std::string& path, ExistingSocket existing) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return socket_error("see", errno, path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return fail(ErrorCode::internal,
                fmt::format("the path of the control socket exists and is not a socket ({})", path),
                "remove it");
  }
  if (existing == ExistingSocket::respect && is_alive(path)) {
    return fail(ErrorCode::second_instance, fmt::format("another rcached uses the control socket ({})", path),
                "give each its own run_directory");
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return socket_error("replace", errno, path);
  return {};
}

}  // namespace

Expected<std::string> control_socket_path(const std::string& run_directory) {
  std::string path = run_directory + "/control";
  constexpr std::size_t kMaxLength = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= kMaxLength) return path;
  return fail(
      ErrorCode::config,
      fmt::format("the path of the control socket has {} bytes, more than the kernel's limit of {} ({})",
                  path.size(), kMaxLength, path),
      fmt::format("set run_directory to a path of at most {} bytes",
                  kMaxLength - (path.size() - run_directory.size())));
}

Expected<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& run_directory,
                                                             ExistingSocket existing, Handler handler,
                                                             const ControlLimits& limits) {
  RCACHED_TRY(auto path, control_socket_path(run_directory));
  std::error_code error;
  std::filesystem::create_directories(run_directory, error);
  if (error) return socket_error("make the directory of", error.value(), path);
  std::unique_ptr<ControlSocket> socket(new ControlSocket(std::move(path), std::move(handler), limits));
  RCACHED_CHECK(socket->listen(existing));
  socket->thread_ = std::thread([raw = socket.get()] { raw->serve(); });
  return socket;
}

ControlSocket::ControlSocket(std::string path, Handler handler, const ControlLimits& limits)
    : path_(std::move(path)), handler_(std::move(handler)), limits_(limits) {}

ControlSocket::~ControlSocket() {
  if (thread_.joinable()) {
    [[maybe_unused]] const int ignored = eventfd_write(wake_.get(), 1);
    thread_.join();
  }
  struct stat info {};
  if (inode_ != 0 && lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
    unlink(path_.c_str());
  }
}

Expected<void> ControlSocket::listen(ExistingSocket existing) {
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!wake_.valid() || !listener_.valid()) return socket_error("make", errno, path_);
  if (auto removed = remove_stale_socket(path_, existing); !removed) return removed;
  // Before bind(), which gives the file the mode of the descriptor: others can never connect.
  if (fchmod(listener_.get(), 0600) != 0) return socket_error("protect", errno, path_);
  const sockaddr_un address = address_of(path_);
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return socket_error("make", errno, path_);
  }
  struct stat info {};
  if (lstat(path_.c_str(), &info) == 0) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
  if (::listen(listener_.get(), kBacklog) != 0) return socket_error("listen on", errno, path_);
  return {};
}

int ControlSocket::next_timeout(bool accepting) const {
  auto next = Clock::time_point::max();
  if (!accepting && connections_.size() < limits_.connections) next = accept_after_;
  for (const Connection& connection : connections_) next = std::min(next, connection.deadline);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<milliseconds::rep>(left, 0, 60'000));
}

void ControlSocket::serve() {
  for (;;) {
    const bool accepting = connections_.size() < limits_.connections && Clock::now() >= accept_after_;
    std::vector<pollfd> polled = {{wake_.get(), POLLIN, 0}, {accepting ? listener_.get() : -1, POLLIN, 0}};
    for (const Connection& connection : connections_) {
      const auto events = static_cast<short>(connection.answer.empty() ? POLLIN : POLLOUT);
      polled.push_back({connection.fd.get(), events, 0});
    }
    const int ready = poll(polled.data(), polled.size(), next_timeout(accepting));
    if (ready < 0 && errno != EINTR) return;  // cannot happen: the arguments are valid
    if (polled[0].revents != 0) return;
    for (std::size_t i = 0; ready > 0 && i < connections_.size(); ++i) {
      if (polled[i + 2].revents == 0) continue;
      if (connections_[i].answer.empty()) {
        read_some(connections_[i]);
      } else {
        write_some(connections_[i]);
      }
    }
    const auto now = Clock::now();
    std::erase_if(connections_, [now](const Connection& connection) {
      return connection.done || now >= connection.deadline;
    });
    if (ready > 0 && polled[1].revents != 0) accept_one();
  }
}

void ControlSocket::accept_one() {
  const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Pause if descriptors or memory are exhausted, but not if the client has already disconnected.
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
      accept_after_ = Clock::now() + kAcceptPause;
    return;
  }
  Connection connection;
  connection.fd = UniqueFd(fd);
  connection.deadline = Clock::now() + limits_.request_time;
  connections_.push_back(std::move(connection));
}

void ControlSocket::read_some(Connection& connection) {
  char buffer[4096];
  const ssize_t got = recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    connection.done = true;
    return;
  }
  connection.request.append(buffer, static_cast<std::size_t>(got));
  const auto end = connection.request.find('\n');
  const auto begun = Clock::now();
  if (end < limits_.request_bytes) {
    connection.answer = answer_to(std::string_view(connection.request).substr(0, end));
  } else if (end != std::string::npos || connection.request.size() >= limits_.request_bytes) {
    connection.answer =
        fmt::format("{{\"error\":\"the request is longer than {} bytes\"}}\n", limits_.request_bytes);
  } else {
    return;
  }
  // Other connections were blocked meanwhile.
  const auto now = Clock::now();
  for (Connection& other : connections_) other.deadline += now - begun;
  connection.deadline = now + limits_.answer_time;
  write_some(connection);
}

std::string ControlSocket::answer_to(std::string_view request) const {
  std::string answer;
  try {
    answer = handler_(request);
  } catch (const std::exception&) {
    answer = "{\"error\":\"rcached failed to answer\",\"hint\":\"report this as a bug\"}";
  }
  return answer + "\n";
}

void ControlSocket::write_some(Connection& connection) const {
  const ssize_t sent = send(connection.fd.get(), connection.answer.data() + connection.sent,
                            connection.answer.size() - connection.sent, MSG_NOSIGNAL);
  if (sent < 0) {
    connection.done = errno != EAGAIN && errno != EINTR;
    return;
  }
  connection.sent += static_cast<std::size_t>(sent);
  connection.done = connection.sent == connection.answer.size();
}

}  // namespace rcached
