// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace rcached::top {
namespace {

int make_event_fd() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Poller::Poller(std::shared_ptr<PictureSource> source, std::string label, std::chrono::milliseconds interval)
    : source_(std::move(source)), interval_(interval), ready_fd_(make_event_fd()), label_(std::move(label)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Poller::~Poller() {
  stop(std::chrono::milliseconds(0));
  if (thread_.joinable()) thread_.join();
  close(ready_fd_);
}

void Poller::want(const std::string& label) {
  const std::lock_guard lock(mutex_);
  if (label == label_) return;
  label_ = label;
  now_ = true;
  changed_.notify_all();
}

void Poller::refresh() {
  const std::lock_guard lock(mutex_);
  now_ = true;
  changed_.notify_all();
}

std::optional<Poller::Result> Poller::take() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t ignored = read(ready_fd_, &count, sizeof count);
  return std::exchange(result_, std::nullopt);
}

bool Poller::stop(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (ended_) return true;
  stopping_ = true;
  changed_.notify_all();
  lock.unlock();
  source_->cancel();
  lock.lock();
  return changed_.wait_for(lock, limit, [this] { return ended_; });
}

void Poller::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    now_ = false;
    const std::string label = label_;
    const auto next = std::chrono::steady_clock::now() + interval_;
    lock.unlock();
    Result result = source_->picture(label);
    lock.lock();
    if (stopping_) break;
    result_ = std::move(result);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(ready_fd_, &one, sizeof one);
    changed_.wait_until(lock, next, [this] { return stopping_ || now_; });
  }
  ended_ = true;
  changed_.notify_all();
}

}  // namespace rcached::top
