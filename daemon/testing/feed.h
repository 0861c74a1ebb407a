// SPDX-License-Identifier: Apache-2.0
// Feed: the parts of the pipeline in one thread, so that a test decides what happens when.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/pipeline/auditor.h"
#include "daemon/pipeline/discoverer.h"
#include "daemon/pipeline/input_log.h"
#include "daemon/pipeline/reading_gate.h"
#include "daemon/pipeline/view_maker.h"

namespace rcached::testing_support {

class Feed {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    Auditor::ReservedReader read_reserved{};
    Auditor::Options audit{};
    std::size_t shards = 1;
    std::chrono::milliseconds loss_check{200};
    std::function<void(const InputBatch&)> on_batch{};  // of shard 0, before it is applied
  };

  Feed(EventSource& source, Discoverer::GroupReader read_groups)
      : Feed(source, std::move(read_groups), Options{}) {}
  Feed(EventSource& source, Discoverer::GroupReader read_groups, Options options)
      : options_(std::move(options)),
        log_(source, options_.shards, source.reader() != nullptr),
        discoverer_(source, std::move(read_groups)),
        maker_(source) {
    for (std::size_t i = 0; i < options_.shards; ++i)
      mirrors_.push_back(std::make_unique<Mirror>(source.kernel_info().profile));
    if (source.reader() == nullptr) return;
    auditor_.emplace(
        *source.reader(), gate_,
        [this](std::uint64_t id, std::uint64_t time_ns, Input input) {
          log_.write(id, time_ns, std::move(input));
        },
        options_.read_reserved, options_.audit);
  }

  // One round of everything.
  void drain(TimePoint now) {
    log_.drain(ns(now), gate_.limit_ns(ns(now)));
    if (now >= next_look_) {
      next_look_ = now + options_.loss_check;
      look();
    }
    apply(now);
    if (auto found = discoverer_.work(now, *log_.domains())) log_.take(*found);
    apply(now);
    if (auditor_) auditor_->work(now, log_.domains(), log_.losses());
    now_ = now;
  }

  // Everything that the source has.
  void flush(TimePoint now) {
    log_.flush(ns(now));
    apply(now);
  }

  View view() {
    look();
    log_.request_tick();
    log_.drain(ns(now_), gate_.limit_ns(ns(now_)));
    apply(now_);
    std::vector<SnapshotPart> parts;
    for (const auto& mirror : mirrors_) parts.push_back({mirror->snapshot(), mirror->infos()});
    return maker_.make(std::move(parts), log_.status(), auditor_ ? auditor_->status().reader : ReaderStatus{},
                       0);
  }

  bool settled() const { return !auditor_ || auditor_->status().all_seeded; }
  Auditor& auditor() { return *auditor_; }

 private:
  static std::uint64_t ns(TimePoint time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
  }

  void look() {
    const StreamNews news = maker_.look();
    log_.take(news);
    if (auditor_ && online_cpus_ != 0 && online_cpus_ != news.online_cpus) auditor_->audit_all();
    online_cpus_ = news.online_cpus;
  }

  void apply(TimePoint now) {
    for (std::size_t i = 0; i < mirrors_.size(); ++i) {
      if (i == 0 && options_.on_batch) options_.on_batch(log_.batches()[0]);
      mirrors_[i]->apply(log_.batches()[i]);
      log_.batches()[i].clear();
      if (auditor_) auditor_->take(mirrors_[i]->take_news(), now);
    }
  }

  const Options options_;
  ReadingGate gate_;
  InputLog log_;
  Discoverer discoverer_;
  ViewMaker maker_;
  std::vector<std::unique_ptr<Mirror>> mirrors_;
  std::optional<Auditor> auditor_;
  std::uint32_t online_cpus_ = 0;
  TimePoint next_look_{};
  TimePoint now_{};
};

}  // namespace rcached::testing_support
