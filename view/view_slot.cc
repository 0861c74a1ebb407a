// SPDX-License-Identifier: Apache-2.0
#include "view/view_slot.h"

#include <utility>

namespace rcached {

bool ViewSlot::try_publish(std::shared_ptr<const View>& view) {
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return false;
    std::swap(view_, view);
  }
  changed_.notify_all();
  return true;
}

void ViewSlot::publish(std::shared_ptr<const View> view) {
  {
    const std::lock_guard lock(mutex_);
    std::swap(view_, view);
  }
  changed_.notify_all();
}

std::shared_ptr<const View> ViewSlot::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::shared_ptr<const View> ViewSlot::wait_for_newer(const std::shared_ptr<const View>& seen,
                                                     std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [&] { return closed_ || view_ != seen; });
  return view_;
}

void ViewSlot::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace rcached
