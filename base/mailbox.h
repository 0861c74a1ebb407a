// SPDX-License-Identifier: Apache-2.0
// Mailbox: what other threads want done to an object that belongs to one thread. They post functions; its thread runs
// them. Posting never waits for it.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace rcached {

template <typename T>
class Mailbox {
 public:
  using Message = std::function<void(T&)>;

  // Any thread.
  void post(Message message) {
    const MutexLock lock(mutex_);
    messages_.push_back(std::move(message));
  }

  // Drops what has been posted. Any thread.
  void clear() {
    std::vector<Message> dropped;
    const MutexLock lock(mutex_);
    dropped.swap(messages_);
  }

  // Runs what has been posted, in order. The thread of `to`.
  void deliver(T& to) {
    {
      const MutexLock lock(mutex_);
      delivered_.swap(messages_);
    }
    for (const Message& message : delivered_) message(to);
    delivered_.clear();
  }

 private:
  Mutex mutex_;
  std::vector<Message> messages_ GUARDED_BY(mutex_);
  std::vector<Message> delivered_;  // kept for its capacity
};

}  // namespace rcached
