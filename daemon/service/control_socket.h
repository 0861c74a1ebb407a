// SPDX-License-Identifier: Apache-2.0
// ControlSocket: where commands ask the running daemon something. A Unix stream socket
// <run_directory>/control, for its owner and root only (mode 0600). A connection brings one request, a line,
// gets one answer and is closed. What requests mean is the handler's affair.
//
// No client holds up the daemon: the socket has a thread of its own, requests are short, connections few, and
// a client that does not send or read in time is cut off. Requests are answered one after the other.
//
// Threads: open() and the destructor belong to one thread; the handler is called from the socket's own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rcached {

struct ControlLimits {
  std::size_t request_bytes = 4096;               // the newline included
  std::size_t connections = 8;                    // further ones wait in the kernel
  std::chrono::milliseconds request_time{5'000};  // from the connection to the end of the request
  std::chrono::milliseconds answer_time{30'000};  // to take all of the answer
};

// What to do with a socket that is there already.
enum class ExistingSocket : std::uint8_t {
  replace,  // only for the holder of the InstanceLock: whoever made it is gone
  respect,  // replaced when nobody listens on it
};

class ControlSocket {
 public:
  // Gets the line without its newline; an exception becomes an answer that says so.
  using Handler = std::function<std::string(std::string_view request)>;

  // Makes the directory when it is missing, and listens. Errors: config (the path is too long for a socket),
  // permission, second_instance (respect: somebody answers there), internal.
  static Expected<std::unique_ptr<ControlSocket>> open(const std::string& run_directory,
                                                       ExistingSocket existing, Handler handler,
                                                       const ControlLimits& limits = {});

  // Ends the thread, once the handler has returned when it is at work, and removes the socket if it is still
  // ours.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    UniqueFd fd;
    std::string request;
    std::string answer;  // empty: still reading
    std::size_t sent = 0;
    Clock::time_point deadline{};
    bool done = false;
  };

  ControlSocket(std::string path, Handler handler, const ControlLimits& limits);
  Expected<void> listen(ExistingSocket existing);
  void serve();
  void accept_one();
  void read_some(Connection& connection);
  void write_some(Connection& connection) const;
  std::string answer_to(std::string_view request) const;
  int next_timeout(bool accepting) const;

  const std::string path_;
  const Handler handler_;
  const ControlLimits limits_;
  UniqueFd listener_, wake_;
  dev_t device_ = 0;  // of the socket file, to remove no other
  ino_t inode_ = 0;
  // Of the thread:
  std::vector<Connection> connections_;
  Clock::time_point accept_after_{};

  std::thread thread_;  // last: it uses the rest
};

// <run_directory>/control. Errors: config (too long for a socket).
Expected<std::string> control_socket_path(const std::string& run_directory);

}  // namespace rcached
