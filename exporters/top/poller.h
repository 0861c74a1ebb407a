// SPDX-License-Identifier: Apache-2.0
// Poller: the thread that fetches pictures, so that keys work while a daemon is slow.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"
#include "exporters/top/fetch.h"

namespace rcached::top {

// All members except ready_fd() must be called from one thread.
class Poller {
 public:
  using Result = Expected<TopPicture>;

  // Fetches immediately, then every `interval`. The thread blocks all signals. Throws std::system_error.
  Poller(std::shared_ptr<PictureSource> source, std::string label, std::chrono::milliseconds interval);
  // Waits for the thread.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // The domain to fetch in addition; empty: none. A change triggers a fetch.
  void want(const std::string& label);
  // Fetches now.
  void refresh();

  // Readable while a result is available.
  int ready_fd() const { return ready_fd_; }
  // The newest result that has not been taken yet.
  std::optional<Result> take();

  // Ends the thread. False: it is stuck (in a name lookup, say) and has not ended within `limit`.
  bool stop(std::chrono::milliseconds limit);

 private:
  void run();

  const std::shared_ptr<PictureSource> source_;
  const std::chrono::milliseconds interval_;
  const int ready_fd_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string label_;
  std::optional<Result> result_;
  bool now_ = true;
  bool stopping_ = false;
  bool ended_ = false;

  std::thread thread_;  // last: it uses the other members
};

}  // namespace rcached::top
