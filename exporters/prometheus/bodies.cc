// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/bodies.h"

#include <pthread.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace rcached {
namespace {

using Clock = std::chrono::steady_clock;

// A spare buffer is freed after this many consecutive renderings that did not need it.
constexpr std::size_t kMaxNotNeeded = 64;
// A buffer is also freed if it is this many times larger than its last content.
constexpr std::size_t kMaxOversize = 4;

}  // namespace

struct BodyPool::State {
  mutable std::mutex mutex;                        // held only while a pointer is moved
  std::vector<std::unique_ptr<std::string>> idle;  // the most recently used one at the end
  std::size_t in_use = 0;
  std::size_t not_needed = 0;  // consecutive renderings that left one idle

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
    if (not_needed >= kMaxNotNeeded) {
      surplus = std::move(idle.front());
      idle.erase(idle.begin());
      not_needed = 0;
    }
    return taken;
  }

  void give_back(std::unique_ptr<std::string> body) {
    if (body->capacity() / kMaxOversize > body->size()) body = std::make_unique<std::string>();
    const std::lock_guard lock(mutex);
    --in_use;
    idle.push_back(std::move(body));
  }
};

BodyPool::BodyPool() : state_(std::make_shared<State>()) {}

std::shared_ptr<const std::string> BodyPool::make(const std::function<void(std::string&)>& fill) {
  // The deleter returns the buffer to the pool even if `fill` throws.
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

BodyPacker::BodyPacker(std::function<RenderedBody()> render, std::function<void(double)> observe)
    : render_(std::move(render)), observe_(std::move(observe)), thread_([this] { run(); }) {
  ::pthread_setname_np(thread_.native_handle(), "metrics-gzip");
}

BodyPacker::~BodyPacker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

PackedBody BodyPacker::get(std::uint64_t number) {
  std::unique_lock lock(mutex_);
  const auto good = [&] { return packed_.facts != nullptr && packed_.facts->number >= number; };
  if (good()) return packed_;
  if (number > wanted_) wanted_ = number;
  changed_.notify_all();
  if (packed_.facts != nullptr && Clock::now() - packed_.facts->time < kMaxLag) return packed_;
  // An attempt in progress may be compressing an older body; the next one is not.
  const std::uint64_t enough = attempts_ + (packing_ ? 2 : 1);
  needed_ = std::max(needed_, enough);
  changed_.notify_all();
  changed_.wait(lock, [&] { return good() || (failure_ != nullptr && attempts_ >= enough); });
  if (!good()) std::rethrow_exception(failure_);
  return packed_;
}

// After a failure, compression is retried only if a caller waits for it.
bool BodyPacker::has_work() const {
  const bool newer_wanted = wanted_ > (packed_.facts == nullptr ? 0 : packed_.facts->number);
  return newer_wanted && (failure_ == nullptr || attempts_ < needed_);
}

void BodyPacker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || has_work(); });
    if (stop_) return;
    packing_ = true;
    lock.unlock();
    PackedBody fresh;
    std::exception_ptr failure;
    try {
      fresh = pack();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    packing_ = false;
    ++attempts_;
    failure_ = failure;
    if (failure == nullptr) std::swap(packed_, fresh);
    changed_.notify_all();
  }
}

PackedBody BodyPacker::pack() {
  const RenderedBody body = render_();
  const auto start = Clock::now();
  PackedBody packed{.facts = body.facts, .bytes = nullptr, .sum = {}};
  packed.bytes = pool_.make([&](std::string& out) { packed.sum = gzip_begin(*body.text, kGzipLevel, out); });
  observe_(std::chrono::duration<double>(Clock::now() - start).count());
  return packed;
}

}  // namespace rcached
