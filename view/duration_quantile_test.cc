// SPDX-License-Identifier: Apache-2.0
#include "view/duration_quantile.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

TEST(DurationQuantile, AnEmptyHistogramHasNone) { EXPECT_EQ(duration_quantile({}, 0.5), std::nullopt); }

TEST(DurationQuantile, IsTheUpperBoundOfItsBucket) {
  DurationHistogram one;
  one.add(300);
  EXPECT_EQ(duration_quantile(one, 0.5), 5e-7);
  EXPECT_EQ(duration_quantile(one, 0.99), 5e-7);

  DurationHistogram hundred;  // 50 up to 100 ns, 49 up to 1 us, 1 up to 100 ms
  for (int i = 0; i < 50; ++i) hundred.add(100);
  for (int i = 0; i < 49; ++i) hundred.add(1'000);
  hundred.add(100'000'000);
  EXPECT_EQ(duration_quantile(hundred, 0.5), 1e-7);
  EXPECT_EQ(duration_quantile(hundred, 0.51), 1e-6);
  EXPECT_EQ(duration_quantile(hundred, 0.99), 1e-6);
  EXPECT_EQ(duration_quantile(hundred, 1), 0.1);
}

TEST(DurationQuantile, AboveTheLastBoundThereIsNone) {
  DurationHistogram histogram;
  histogram.add(1'000);
  histogram.add(100'000'001);
  EXPECT_EQ(duration_quantile(histogram, 0.5), 1e-6);
  EXPECT_EQ(duration_quantile(histogram, 0.99), std::nullopt);
}

}  // namespace
}  // namespace rcached
