// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/body_packer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace rcached {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

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
  // An attempt that is under way may be at an older body; the one after it is not.
  const std::uint64_t enough = attempts_ + (packing_ ? 2 : 1);
  needed_ = std::max(needed_, enough);
  changed_.notify_all();
  changed_.wait(lock, [&] { return good() || (failure_ != nullptr && attempts_ >= enough); });
  if (!good()) std::rethrow_exception(failure_);
  return packed_;
}

// After a failure only somebody who waits is worth another attempt.
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
