// SPDX-License-Identifier: Apache-2.0
// ViewSlot: the place where one thread puts the current View and any number of threads take it. The publisher
// never waits: when a reader holds the slot just then, publish() says so and the publisher tries again later.
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
  // False: a reader was there; nothing has changed and `view` still holds the View. True: it is published and
  // `view` holds the one before, to be freed at leisure. Never blocks.
  bool try_publish(std::shared_ptr<const View>& view);
  // For tests and for ends: waits until it is published.
  void publish(std::shared_ptr<const View> view);

  std::shared_ptr<const View> view() const override;
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>& seen,
                                             std::chrono::milliseconds limit) const override;

  // No View will come any more: ends all waiting, now and later.
  void close();

 private:
  mutable Mutex mutex_;  // held for the copy of a pointer only
  mutable std::condition_variable_any changed_;
  std::shared_ptr<const View> view_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace rcached
