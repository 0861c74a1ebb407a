// SPDX-License-Identifier: Apache-2.0
// The bodies of /metrics: BodyPool owns the buffers that they are rendered into, BodyPacker compresses them.
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

// A buffer returns to the pool once the last response that sends it is done, and is then overwritten: without
// responses in progress, the next rendering reuses the same memory instead of 18 MB of fresh pages.
// Thread-safe; buffers may outlive the pool.
class BodyPool {
 public:
  BodyPool();

  // A body written by `fill`, which gets a string with its previous content.
  std::shared_ptr<const std::string> make(const std::function<void(std::string&)>& fill);

  // Buffers that exist, in use or idle.
  std::size_t buffers() const;
  // Those that are available to the next make().
  std::size_t idle() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Properties of a rendered View.
struct BodyFacts {
  std::uint64_t number = 0;                    // increases with every View that is shown
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

// Compresses bodies of one format with gzip, each once, on a separate thread. Compressing takes about fifteen
// times as long as rendering; a scrape during the compression of a new body gets the previous one, unless that
// is too old, and does not wait. Nothing is compressed until a client requests it.
//
// The thread has the priority of the thread that constructs the BodyPacker. It should not be the low priority
// of the HTTP server's threads: all scrapers may have to wait for this one, for seconds on a loaded host.
//
// Thread-safe.
class BodyPacker {
 public:
  // Maximum age of a body that is returned although there is a newer one.
  static constexpr std::chrono::seconds kMaxLag{2};

  // `render` returns the newest body; called on the packer's thread. `observe` gets the duration of each
  // compression in seconds.
  BodyPacker(std::function<RenderedBody()> render, std::function<void(double)> observe);
  ~BodyPacker();
  BodyPacker(const BodyPacker&) = delete;
  BodyPacker& operator=(const BodyPacker&) = delete;

  // Returns the body `number` or a newer one; or, without waiting, the last one compressed if it was first shown
  // less than kMaxLag ago. Rethrows exceptions of `render` and of the compression.
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
  std::uint64_t wanted_ = 0;    // the newest number requested
  std::uint64_t attempts_ = 0;  // completed, successful or not
  std::exception_ptr failure_;  // of the last one
  bool packing_ = false;
  std::uint64_t needed_ = 0;  // number of attempts that callers wait for if they fail
  bool stop_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace rcached
