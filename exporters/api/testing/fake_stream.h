// SPDX-License-Identifier: Apache-2.0
// A client of an event stream: records what is written, and can be slow or disconnected.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "exporters/http/message.h"
#include "tests/kit/waiting.h"

namespace rcached::testing {

// Thread-safe.
class FakeStream final : public HttpStream {
 public:
  bool write(std::string_view bytes) override {
    std::unique_lock lock(mutex_);
    text_ += bytes;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !stuck_ || closed_; });
    return !closed_;
  }
  bool open() const override {
    const std::lock_guard lock(mutex_);
    return !closed_;
  }

  // While stuck, write() blocks.
  void set_stuck(bool stuck) {
    const std::lock_guard lock(mutex_);
    stuck_ = stuck;
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // True if the text written within testing::kHang meets the condition.
  bool wait_for(const std::function<bool(const std::string& text)>& condition) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, testing::kHang, [&] { return condition(text_); });
  }
  bool wait_for(std::string_view part) const {
    return wait_for([&](const std::string& text) { return text.find(part) != std::string::npos; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
  bool stuck_ = false;
  bool closed_ = false;
};

}  // namespace rcached::testing
