// SPDX-License-Identifier: Apache-2.0
// BodyPacker: packs bodies of one format with gzip, each once, on a thread of its own. Packing takes some
// fifteen times as long as rendering; whoever scrapes while a new body is being packed gets the one before,
// as long as that is not old, and does not wait. Nothing is packed until somebody asks.
//
// The thread has the priority of whoever makes the BodyPacker. It should not be that of the HTTP server's
// threads, which is low: all scrapers may come to wait for this one, on a host under load for seconds then.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "exporters/http/gzip.h"
#include "exporters/prometheus/body_pool.h"
#include "exporters/prometheus/series_budget.h"

namespace rcached {

// What a rendered View holds.
struct BodyFacts {
  std::uint64_t number = 0;                    // counts up with every View that is shown
  std::chrono::steady_clock::time_point time;  // when it was first shown
  SeriesCounts counts{};
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

// Thread-safe.
class BodyPacker {
 public:
  // Older than this a body is not handed out any more once there is a newer one.
  static constexpr std::chrono::seconds kMaxLag{2};

  // `render` gives the newest body; called on the packer's thread. `observe` gets the seconds that each
  // packing took.
  BodyPacker(std::function<RenderedBody()> render, std::function<void(double)> observe);
  ~BodyPacker();
  BodyPacker(const BodyPacker&) = delete;
  BodyPacker& operator=(const BodyPacker&) = delete;

  // The body `number` or a newer one; or at once the last one packed, if it was first shown less than kMaxLag
  // ago. Throws what `render` or the packing has thrown.
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
  std::uint64_t attempts_ = 0;  // packings that have ended, well or not
  std::exception_ptr failure_;  // of the last one
  bool packing_ = false;
  std::uint64_t needed_ = 0;  // attempts that somebody waits for, should they fail
  bool stop_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace rcached
