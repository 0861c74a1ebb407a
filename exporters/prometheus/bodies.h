// SPDX-License-Identifier: Apache-2.0
// The bodies of /metrics: BodyPool has the buffers that they are rendered into, BodyPacker compresses them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "exporters/http/gzip.h"
#include "exporters/prometheus/series_budget.h"

namespace rcached {

// A buffer comes back when the last response that sends it is done, and is written over: with no response
// under way the next rendering has the very same memory, and not 18 MB of fresh pages. Thread-safe; buffers
// may outlive the pool.
class BodyPool {
 public:
  BodyPool();

  // A body made by `fill`, which gets a string with whatever it held before.
  std::shared_ptr<const std::string> make(const std::function<void(std::string&)>& fill);

  // Buffers that exist, in use or idle.
  std::size_t buffers() const;
  // Of them, those that wait for the next make().
  std::size_t idle() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// What a rendered View holds.
struct BodyFacts {
  std::uint64_t number = 0;                    // counts up with every View that is shown
  std::chrono::steady_clock::time_point time;  // when it was first shown
  SeriesPlan plan;
};

struct RenderedBody {
  std::shared_ptr<const BodyFacts> facts;
  std::shared_ptr<const std::string> text;
};

struct PackedBody {
  std::shared_ptr<const BodyFacts> facts;
  std::shared_ptr<const std::string> bytes;  // the beginning of a gzip (gzip.h)
  GzipSum sum;
};

// Compresses bodies of one format with gzip, each once, on a thread of its own. Compressing takes some
// fifteen times as long as rendering; a scrape that comes while a new body is being compressed gets the one
// before, as long as that is not old, and does not wait. Nothing is compressed until a client asks for it.
//
// The thread has the priority of the thread that makes the BodyPacker. It should not be that of the HTTP
// server's threads, which is low: all scrapers may come to wait for this one, on a host under load for
// seconds then.
//
// Thread-safe.
class BodyPacker {
 public:
  // Older than this a body is not handed out any more once there is a newer one.
  static constexpr std::chrono::seconds kMaxLag{2};

  // `render` gives the newest body; called on the packer's thread. `observe` gets the seconds that each
  // compression took.
  BodyPacker(std::function<RenderedBody()> render, std::function<void(double)> observe);
  ~BodyPacker();
  BodyPacker(const BodyPacker&) = delete;
  BodyPacker& operator=(const BodyPacker&) = delete;

  // The body `number` or a newer one; or at once the last one compressed, if it was first shown less than
  // kMaxLag ago. Throws what `render` or the compression has thrown.
  PackedBody get(std::uint64_t number);

 private:
  void run();
  bool has_work() const;
  PackedBody pack();

  std::function<RenderedBody()> render_;
  std::function<void(double)> observe_;
  BodyPool pool_;

  std::mutex mutex_;
  std::condition_variable changed_;
  PackedBody packed_;           // without facts: none yet
  std::uint64_t wanted_ = 0;    // the newest number asked for
  std::uint64_t attempts_ = 0;  // that have ended, well or not
  std::exception_ptr failure_;  // of the last one
  bool packing_ = false;
  std::uint64_t needed_ = 0;  // attempts that a caller waits for, should they fail
  bool stop_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace rcached
