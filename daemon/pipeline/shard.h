// SPDX-License-Identifier: Apache-2.0
// Shard: a Mirror of some of the domains, with the queue of its inputs.
//
// Threads: run() is a thread of its own; push(), spare() and finish() belong to the log's; backlog() and rounds() may
// be called from any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "allocator/mirror.h"
#include "base/mutex.h"
#include "daemon/pipeline/view_maker.h"

namespace rcached {

class Shard {
 public:
  struct Outputs {
    std::function<void(MirrorNews)> news;
    std::function<void(std::uint64_t tick, SnapshotPart)> snapshot;
  };

  Shard(const KernelProfile& profile, Outputs outputs) : mirror_(profile), outputs_(std::move(outputs)) {}

  // `tick`: a number for the snapshot at the end of the batch; 0: none is wanted.
  void push(InputBatch batch, std::uint64_t tick) {
    backlog_.fetch_add(batch.operations.size(), std::memory_order_relaxed);
    {
      const MutexLock lock(mutex_);
      queue_.push_back({std::move(batch), tick});
    }
    changed_.notify_one();
  }

  // An empty batch, with the memory of one that has been applied.
  InputBatch spare() {
    const MutexLock lock(mutex_);
    if (spares_.empty()) return {};
    InputBatch batch = std::move(spares_.back());
    spares_.pop_back();
    return batch;
  }

  // run() returns when it has applied what is in the queue.
  void finish() {
    {
      const MutexLock lock(mutex_);
      finished_ = true;
    }
    changed_.notify_one();
  }

  void run() {
    for (;;) {
      Queued next;
      {
        const MutexLock lock(mutex_);
        while (queue_.empty() && !finished_) changed_.wait(mutex_);
        if (queue_.empty()) return;
        next = std::move(queue_.front());
        queue_.pop_front();
      }
      apply(next);
    }
  }

  // Operations in the queue.
  std::uint64_t backlog() const { return backlog_.load(std::memory_order_relaxed); }
  // Batches applied.
  std::uint64_t rounds() const { return rounds_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kSpares = 4;

  struct Queued {
    InputBatch batch;
    std::uint64_t tick = 0;
  };

  void apply(Queued& queued) {
    mirror_.apply(queued.batch);
    if (MirrorNews news = mirror_.take_news(); !news.empty()) outputs_.news(std::move(news));
    if (queued.tick != 0) outputs_.snapshot(queued.tick, {mirror_.snapshot(), mirror_.infos()});
    backlog_.fetch_sub(queued.batch.operations.size(), std::memory_order_relaxed);
    rounds_.fetch_add(1, std::memory_order_relaxed);
    queued.batch.clear();
    const MutexLock lock(mutex_);
    if (spares_.size() < kSpares) spares_.push_back(std::move(queued.batch));
  }

  Mirror mirror_;  // used by run() only
  const Outputs outputs_;
  std::atomic<std::uint64_t> backlog_{0};
  std::atomic<std::uint64_t> rounds_{0};
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Queued> queue_ GUARDED_BY(mutex_);
  std::vector<InputBatch> spares_ GUARDED_BY(mutex_);
  bool finished_ GUARDED_BY(mutex_) = false;
};

}  // namespace rcached
