// SPDX-License-Identifier: Apache-2.0
// EventMeter: events per second from one picture to the next. Plain value.
#pragma once

#include "exporters/top/model.h"

namespace rcached::top {

class EventMeter {
 public:
  void add(const Status& status) {
    if (last_time_ && status.time && *status.time > *last_time_ && status.applied >= last_applied_) {
      per_second_ = static_cast<double>(status.applied - last_applied_) / (*status.time - *last_time_);
    } else if (last_time_ && (!status.time || *status.time < *last_time_ || status.applied < last_applied_)) {
      per_second_ = std::nullopt;  // another daemon
    }
    last_time_ = status.time;
    last_applied_ = status.applied;
  }

  // nullopt: nothing to compare with yet.
  Figure per_second() const { return per_second_; }

 private:
  Figure last_time_, per_second_;
  Count last_applied_ = 0;
};

}  // namespace rcached::top
