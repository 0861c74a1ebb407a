// SPDX-License-Identifier: Apache-2.0
// The live summary of `rcached run --summary`: one row per domain, from the same View as everything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include "exporters/view.h"

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

 private:
  std::size_t rows_that_fit() const;

  std::FILE* out_;
  bool terminal_;
  std::size_t lines_above_ = 0;
};

}  // namespace rcached
