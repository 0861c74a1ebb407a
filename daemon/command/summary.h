// SPDX-License-Identifier: Apache-2.0
// The live summary of `rcached run --summary`: one row per domain, from the same View as all exporters.
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
// `now_ns` uses the snapshot's clock.
std::string format_summary(const View& view, std::size_t max_rows, std::uint64_t now_ns);

// Prints summaries; on a terminal each overwrites the previous one.
class SummaryPrinter {
 public:
  explicit SummaryPrinter(std::FILE* out);

  // False when the output is closed (a closed pipe): stop printing.
  bool print(const View& view);
  // Verbatim; the same result. Avoids stdio, whose lock would delay the exit of a process with blocked output.
  bool write(std::string_view text) const;

 private:
  std::size_t rows_that_fit() const;

  int fd_;
  bool terminal_;
  std::size_t lines_above_ = 0;
};

// Prints summaries from a separate thread. A blocked output (a terminal stopped by Ctrl-S) blocks only that
// thread: it prints the newest of the views that arrived meanwhile, and the destructor does not wait for it.
class SummaryThread {
 public:
  // Prints `first_line` first.
  SummaryThread(std::FILE* out, std::string first_line);
  ~SummaryThread();
  SummaryThread(const SummaryThread&) = delete;
  SummaryThread& operator=(const SummaryThread&) = delete;

  // Does not block. False when the output is closed.
  bool show(std::shared_ptr<const View> view);

 private:
  struct Shared;
  static void run(Shared& shared);

  std::shared_ptr<Shared> shared_;  // shared with the thread, which may outlive this object
};

}  // namespace rcached
