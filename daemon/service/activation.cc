// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/activation.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstring>

namespace rcached {

Expected<std::vector<int>> take_activated_sockets() {
  const int count = sd_listen_fds(1);
  if (count < 0) {
    return fail(ErrorCode::config,
                fmt::format("the sockets of the service manager cannot be taken: {}", std::strerror(-count)),
                "correct LISTEN_FDS and LISTEN_PID, or remove them");
  }
  std::vector<int> sockets;
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
      return fail(ErrorCode::config,
                  fmt::format("socket {} of {} from the service manager is no listening stream socket",
                              fd - SD_LISTEN_FDS_START + 1, count),
                  "use ListenStream= and Accept=no in the socket unit");
    }
    sockets.push_back(fd);
  }
  return sockets;
}

}  // namespace rcached
