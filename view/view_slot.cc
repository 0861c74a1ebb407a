// SPDX-License-Identifier: Apache-2.0
#include "view/view_slot.h"

#include <utility>

namespace rcached {

bool ViewSlot::try_publish(std::shared_ptr<const View>& view) {
  if (!mutex_.try_lock()) return false;
  std::swap(view_, view);
  mutex_.unlock();
  changed_.notify_all();
  return true;
}

void ViewSlot::publish(std::shared_ptr<const View> view) {
  {
    const MutexLock lock(mutex_);
    std::swap(view_, view);
  }
  changed_.notify_all();
}

std::shared_ptr<const View> ViewSlot::view() const {
  const MutexLock lock(mutex_);
  return view_;
}

std::shared_ptr<const View> ViewSlot::wait_for_newer(const std::shared_ptr<const View>& seen,
                                                     std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  const MutexLock lock(mutex_);
  while (!closed_ && view_ == seen) {
    if (changed_.wait_until(mutex_, end) == std::cv_status::timeout) break;
  }
  return view_;
}

void ViewSlot::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace rcached
