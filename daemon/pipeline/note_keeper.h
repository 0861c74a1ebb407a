// SPDX-License-Identifier: Apache-2.0
// NoteKeeper: notable events for operators, found by comparing each View with the previous one. The latest
// kMaxNotes are kept. Not thread-safe; the returned lists are immutable.
//
// Kinds: started, domain-appeared, domain-gone, events-lost, probes-silent, probes-run, lossy, resynced,
// audit-repaired, rcache-flush, cpus-changed, verdict-holds, verdict-ended, history-limit. Notes that could
// repeat with every snapshot (losses, flushes) are made at most once per kQuiet, with the sum since the last one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "view/view.h"

namespace rcached {

class NoteKeeper {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMaxNotes = 256;
  static constexpr std::chrono::seconds kQuiet{10};

  // `view` is complete except for its notes.
  void observe(const View& view, TimePoint now, std::int64_t unix_ms);

  std::shared_ptr<const std::vector<Note>> notes() const { return published_; }

 private:
  // A counter whose growth is reported, but not too often.
  struct Growth {
    std::uint64_t reported = 0;  // the value at the last note
    TimePoint next{};            // no note before
  };
  struct Domain {
    std::string label;
    Confidence confidence = Confidence::partial;
    std::uint64_t repairs = 0;
    std::uint64_t drift = 0;
    Growth flushes;
    std::map<std::string, bool> verdicts;
  };

  void add(std::string_view kind, std::string_view domain, std::string text);
  // The growth since the last note; 0 when no note is due.
  static std::uint64_t grown(Growth& growth, std::uint64_t value, TimePoint now);
  void observe_domain(Domain& before, const DomainSnapshot& now, TimePoint when);
  void observe_verdicts(Domain& before, const std::vector<Verdict>& verdicts);

  std::map<std::uint64_t, Domain> domains_;  // by id
  Growth losses_;
  std::uint32_t online_cpus_ = 0;
  std::size_t left_out_ = 0;
  std::string silence_;
  bool started_ = false;
  std::deque<Note> notes_;
  std::uint64_t next_number_ = 1;
  std::int64_t unix_ms_ = 0;
  bool changed_ = false;
  std::shared_ptr<const std::vector<Note>> published_ = std::make_shared<const std::vector<Note>>();
};

}  // namespace rcached
