// SPDX-License-Identifier: Apache-2.0
// The live summary of `rcached run --summary`: one row per domain, from the same View as everything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "view/view.h"

namespace rcached {

// A table of at most `max_rows` domains (the largest trees), a line of totals above it. Ends with a newline.
// `now_ns` is of the snapshot's clock.
std::string format_summary(const View& view, std::size_t max_rows, std::uint64_t now_ns);

// Prints summaries; on a terminal each takes the place of the one before.
class SummaryPrinter {
 public:
  explicit SummaryPrinter(std::FILE* out);

  // False when the output is gone (a closed pipe): no more is wanted.
  bool print(const View& view);
  // As it stands; the same. Without stdio, whose lock would hold up the end of a process whose output is
  // stuck.
  bool write(std::string_view text) const;

 private:
  std::size_t rows_that_fit() const;

  int fd_;
  bool terminal_;
  std::size_t lines_above_ = 0;
};

// Prints summaries from a thread of its own. An output that takes nothing (a terminal stopped by Ctrl-S)
// holds up that thread only: of the views that come meanwhile it prints the newest, and the end does not wait
// for it.
class SummaryThread {
 public:
  // Begins with `first_line`.
  SummaryThread(std::FILE* out, std::string first_line);
  ~SummaryThread();
  SummaryThread(const SummaryThread&) = delete;
  SummaryThread& operator=(const SummaryThread&) = delete;

  // Does not block. False when the output is gone: no more is wanted.
  bool show(std::shared_ptr<const View> view);

 private:
  struct Shared;
  static void run(Shared& shared);

  std::shared_ptr<Shared> shared_;  // with the thread, which may outlive this object
};

}  // namespace rcached
