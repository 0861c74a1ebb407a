// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/activation.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace rcached {
namespace {

// The number of descriptors or -errno; `names`: one for each, empty if the manager gives none.
int take_all(std::vector<std::string>& names) {
  char** given = nullptr;
  const int count = sd_listen_fds_with_names(1, &given);
  for (int i = 0; i < count; ++i) {
    names.emplace_back(given[i]);
    std::free(given[i]);
  }
  if (count > 0) std::free(given);
  return count;
}

}  // namespace

Expected<HandedOver> take_descriptors() {
  std::vector<std::string> names;
  const int count = take_all(names);
  if (count < 0) {
    return fail(
        ErrorCode::config,
        fmt::format("cannot use the sockets passed by the service manager: {}", std::strerror(-count)),
        "correct LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID, or remove them");
  }
  HandedOver result;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    std::string& name = names[static_cast<std::size_t>(i)];
    if (name.starts_with("links-")) {
      result.kept.push_back({UniqueFd(fd), std::move(name)});
      continue;
    }
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
      return fail(ErrorCode::config,
                  fmt::format("socket {} of {} from the service manager is not a listening stream socket",
                              i + 1, count),
                  "use ListenStream= and Accept=no in the socket unit");
    }
    result.sockets.push_back(fd);
  }
  return result;
}

}  // namespace rcached
