// SPDX-License-Identifier: Apache-2.0
// ControlSocket: accepts requests of commands to the running daemon. A Unix stream socket
// <run_directory>/control, for its owner and root only (mode 0600). A connection carries one request (a line) and
// one answer, and is then closed. The handler interprets the requests.
//
// No client can block the daemon: the socket has its own thread, request size and connections are limited, and
// a client that does not send or read in time is disconnected. Requests are answered one at a time.
//
// Threads: open() and the destructor belong to one thread; the handler is called in the socket's thread.
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
  std::size_t request_bytes = 4096;               // including the newline
  std::size_t connections = 8;                    // more wait in the kernel
  std::chrono::milliseconds request_time{5'000};  // from the connection to the end of the request
  std::chrono::milliseconds answer_time{30'000};  // to read the whole answer
};

// What to do with an existing socket.
enum class ExistingSocket : std::uint8_t {
  replace,  // only for the holder of the InstanceLock: its creator no longer runs
  respect,  // replaced only if no process listens on it
};

class ControlSocket {
 public:
  // Gets the line without its newline; an exception becomes an error answer.
  using Handler = std::function<std::string(std::string_view request)>;

  // Creates the directory if missing, and listens. Errors: config (the path is too long for a socket),
  // permission, second_instance (respect: a process listens on it), internal.
  static Expected<std::unique_ptr<ControlSocket>> open(const std::string& run_directory,
                                                       ExistingSocket existing, Handler handler,
                                                       const ControlLimits& limits = {});

  // Waits for a running handler, ends the thread, and removes the socket file if it is still that of this
  // object.
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
  dev_t device_ = 0;  // of the socket file, so that no other is removed
  ino_t inode_ = 0;
  // Used by the thread only:
  std::vector<Connection> connections_;
  Clock::time_point accept_after_{};

  std::thread thread_;  // last: it uses the rest
};

// <run_directory>/control. Errors: config (too long for a socket).
Expected<std::string> control_socket_path(const std::string& run_directory);

}  // namespace rcached
