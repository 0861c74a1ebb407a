// SPDX-License-Identifier: Apache-2.0
// Mutex and MutexLock: std::mutex and std::lock_guard that clang's -Wthread-safety understands (`make lint`
// runs it). What a mutex guards is marked with GUARDED_BY; a function that needs a lock held with REQUIRES.
//
// To wait, use std::condition_variable_any with the Mutex itself, in a loop (the analysis does not see
// through the predicates of wait()):
//   const MutexLock lock(mutex_);
//   while (!ready_) changed_.wait(mutex_);
#pragma once

#include <mutex>

#if defined(__clang__)
#define RCACHED_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define RCACHED_THREAD_ANNOTATION(x)
#endif
#define GUARDED_BY(x) RCACHED_THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES(...) RCACHED_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) RCACHED_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS RCACHED_THREAD_ANNOTATION(no_thread_safety_analysis)
#define ACQUIRED_BEFORE(...) RCACHED_THREAD_ANNOTATION(acquired_before(__VA_ARGS__))

namespace rcached {

class RCACHED_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() RCACHED_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() RCACHED_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool try_lock() RCACHED_THREAD_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for its lifetime, except between its own unlock() and lock().
class RCACHED_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) RCACHED_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  // Adopts a mutex that is already locked.
  MutexLock(Mutex& mutex, std::adopt_lock_t) RCACHED_THREAD_ANNOTATION(requires_capability(mutex))
      : mutex_(mutex) {}
  ~MutexLock() RCACHED_THREAD_ANNOTATION(release_capability()) {
    if (held_) mutex_.unlock();
  }
  void unlock() RCACHED_THREAD_ANNOTATION(release_capability()) {
    mutex_.unlock();
    held_ = false;
  }
  void lock() RCACHED_THREAD_ANNOTATION(acquire_capability()) {
    mutex_.lock();
    held_ = true;
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
  bool held_ = true;
};

}  // namespace rcached
