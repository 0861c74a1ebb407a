// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/body_pool.h"

#include <mutex>
#include <utility>
#include <vector>

namespace rcached {
namespace {

// So many renderings in a row that did not need a spare buffer, and it is given back to the system.
constexpr std::size_t kPatience = 64;
// A buffer so many times as large as what it held last is given back too.
constexpr std::size_t kFarTooLarge = 4;

}  // namespace

struct BodyPool::State {
  mutable std::mutex mutex;                        // held for moving a pointer only
  std::vector<std::unique_ptr<std::string>> idle;  // the one used last at the end
  std::size_t in_use = 0;
  std::size_t not_needed = 0;  // renderings in a row that left one idle

  std::unique_ptr<std::string> take() {
    std::unique_ptr<std::string> surplus;
    const std::lock_guard lock(mutex);
    ++in_use;
    if (idle.empty()) {
      not_needed = 0;
      return std::make_unique<std::string>();
    }
    auto taken = std::move(idle.back());
    idle.pop_back();
    not_needed = idle.empty() ? 0 : not_needed + 1;
    if (not_needed >= kPatience) {
      surplus = std::move(idle.front());
      idle.erase(idle.begin());
      not_needed = 0;
    }
    return taken;
  }

  void give_back(std::unique_ptr<std::string> body) {
    if (body->capacity() / kFarTooLarge > body->size()) body = std::make_unique<std::string>();
    const std::lock_guard lock(mutex);
    --in_use;
    idle.push_back(std::move(body));
  }
};

BodyPool::BodyPool() : state_(std::make_shared<State>()) {}

std::shared_ptr<const std::string> BodyPool::make(const std::function<void(std::string&)>& fill) {
  // The owner gives the buffer back also when `fill` throws.
  const std::shared_ptr<std::string> body(state_->take().release(), [state = state_](std::string* done) {
    state->give_back(std::unique_ptr<std::string>(done));
  });
  fill(*body);
  return body;
}

std::size_t BodyPool::buffers() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle.size() + state_->in_use;
}

std::size_t BodyPool::idle() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle.size();
}

}  // namespace rcached
