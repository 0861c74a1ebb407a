// SPDX-License-Identifier: Apache-2.0
// ViewSlot: one thread publishes the current View and any number of threads read it. The publisher never
// waits: if a reader holds the lock, try_publish() returns false and the publisher retries later.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>

#include "base/mutex.h"
#include "view/view.h"

namespace rcached {

// Thread-safe.
class ViewSlot final : public ViewSource {
 public:
  // False: a reader held the lock; nothing has changed and `view` still holds the View. True: it is published
  // and `view` holds the previous View, for the caller to free. Never blocks.
  bool try_publish(std::shared_ptr<const View>& view);
  // For tests and shutdown: blocks until the View is published.
  void publish(std::shared_ptr<const View> view);

  std::shared_ptr<const View> view() const override;
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                             std::chrono::milliseconds limit) const override;

  // No more Views will be published: all current and later waits return.
  void close();

 private:
  mutable Mutex mutex_;  // held only while a pointer is copied
  mutable std::condition_variable_any changed_;
  std::shared_ptr<const View> view_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace rcached
