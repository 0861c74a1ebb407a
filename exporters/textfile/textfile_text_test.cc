// SPDX-License-Identifier: Apache-2.0
#include "exporters/textfile/textfile_text.h"

#include <gtest/gtest.h>

#include <string>

namespace rcached {
namespace {

std::string joined(const std::vector<std::string_view>& pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

TEST(WithoutMetrics, LeavesOutWholeFamiliesAndNothingElse) {
  const std::string text =
      "# HELP process_open_fds Open files.\n"
      "# TYPE process_open_fds gauge\n"
      "process_open_fds 12\n"
      "# HELP iova_a About process_open_fds.\n"
      "# TYPE iova_a gauge\n"
      "iova_a{x=\"\\nprocess_b 1\"} 1\n"
      "iova_process_a 2\n"
      "own_h_bucket{le=\"1\"} 1\n"
      "own_h_sum 1\n"
      "# TYPE process_c counter\n"
      "process_c_total{x=\"1\"} 1\n"
      "# process_ is said in a comment\n"
      "iova_b 1\n"
      "process_last 1";
  EXPECT_EQ(joined(without_metrics(text, {"process_", "own_h"})),
            "# HELP iova_a About process_open_fds.\n"
            "# TYPE iova_a gauge\n"
            "iova_a{x=\"\\nprocess_b 1\"} 1\n"
            "iova_process_a 2\n"
            "# process_ is said in a comment\n"
            "iova_b 1\n");
}

TEST(WithoutMetrics, WhatStaysIsNotCut) {
  const std::string text = "a 1\nb 2\nc 3";
  const auto pieces = without_metrics(text, {"process_"});
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0], text);
  EXPECT_TRUE(without_metrics("", {"process_"}).empty());
  EXPECT_TRUE(without_metrics("process_a 1\n", {"process_"}).empty());
  EXPECT_EQ(joined(without_metrics(text, {})), text);
}

}  // namespace
}  // namespace rcached
