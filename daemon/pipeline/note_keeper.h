// SPDX-License-Identifier: Apache-2.0
// NoteKeeper: what has happened that an operator would like to be told, found by comparing each View with the
// one before. The latest kMaxNotes are kept. Not thread-safe; the lists it hands out are immutable.
//
// Kinds: started, domain-appeared, domain-gone, events-lost, lossy, resynced, audit-repaired, rcache-flush,
// cpus-changed, verdict-holds, verdict-ended, history-limit. What repeats with every snapshot (losses,
// flushes) is told at most once in kQuiet, with the sum since.
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

  // `view` is complete but for its notes.
  void observe(const View& view, TimePoint now, std::int64_t unix_ms);

  std::shared_ptr<const std::vector<Note>> notes() const { return published_; }

 private:
  // A counter that is told of when it grows, but not too often.
  struct Growth {
    std::uint64_t told = 0;  // the value that has been told
    TimePoint next{};        // not before
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
  // How much it has grown since it was told of last; 0 when it is not to be told now.
  static std::uint64_t grown(Growth& growth, std::uint64_t value, TimePoint now);
  void observe_domain(Domain& before, const DomainSnapshot& now, TimePoint when);
  void observe_verdicts(Domain& before, const std::vector<Verdict>& verdicts);

  std::map<std::uint64_t, Domain> domains_;  // by id
  Growth losses_;
  std::uint32_t online_cpus_ = 0;
  std::size_t left_out_ = 0;
  bool started_ = false;
  std::deque<Note> notes_;
  std::uint64_t next_number_ = 1;
  std::int64_t unix_ms_ = 0;
  bool changed_ = false;
  std::shared_ptr<const std::vector<Note>> published_ = std::make_shared<const std::vector<Note>>();
};

}  // namespace rcached
