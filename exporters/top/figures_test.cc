// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/figures.h"

#include <gtest/gtest.h>

#include <limits>

namespace rcached::top {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Figures, Counts) {
  EXPECT_EQ(count(0), "0");
  EXPECT_EQ(count(99'999), "99999");
  EXPECT_EQ(count(100'000), "100k");
  EXPECT_EQ(count(999'499), "999k");
  EXPECT_EQ(count(999'500), "1.00M");
  EXPECT_EQ(count(12'345'678), "12.3M");
  EXPECT_EQ(count(std::numeric_limits<std::uint64_t>::max()), "18.4E");
  EXPECT_EQ(count(std::optional<std::uint64_t>()), "-");
  EXPECT_EQ(signed_count(-3), "-3");
  EXPECT_EQ(signed_count(std::numeric_limits<std::int64_t>::min()), "-9.22E");
}

TEST(Figures, RatesAndSlopes) {
  EXPECT_EQ(rate(0.0), "0");
  EXPECT_EQ(rate(0.25), "0.25");
  EXPECT_EQ(rate(9.994), "9.99");
  EXPECT_EQ(rate(9.996), "10.0");
  EXPECT_EQ(rate(99.96), "100");
  EXPECT_EQ(rate(9'999.4), "9999");
  EXPECT_EQ(rate(12'345.0), "12.3k");
  EXPECT_EQ(rate(std::nullopt), "-");
  EXPECT_EQ(rate(kNan), "-");
  EXPECT_EQ(slope(1.5), "+1.50");
  EXPECT_EQ(slope(-0.25), "-0.25");
  EXPECT_EQ(slope(-0.001), "0");
  EXPECT_EQ(slope(0.001), "0");
  EXPECT_EQ(slope(std::nullopt), "-");
}

TEST(Figures, PercentNeverRoundsTo0Or100) {
  EXPECT_EQ(percent(0.0), "0%");
  EXPECT_EQ(percent(0.0001), "<0.1%");
  EXPECT_EQ(percent(0.003), "0.3%");
  EXPECT_EQ(percent(0.42), "42%");
  EXPECT_EQ(percent(0.9999), "99.9%");
  EXPECT_EQ(percent(1.0), "100%");
  EXPECT_EQ(percent(9.5), "950%");
  EXPECT_EQ(percent(1e9), ">999%");
  EXPECT_EQ(percent(std::nullopt), "-");
}

TEST(Figures, Durations) {
  EXPECT_EQ(duration(0.0), "0s");
  EXPECT_EQ(duration(1e-7), "100ns");
  EXPECT_EQ(duration(2.5e-6), "2.5us");
  EXPECT_EQ(duration(0.012), "12ms");
  EXPECT_EQ(duration(1.25), "1.2s");
  EXPECT_EQ(duration(125.0), "125s");
  EXPECT_EQ(duration(std::nullopt), "-");
  EXPECT_EQ(duration(-1.0), "-");
  EXPECT_EQ(age(12.9), "12 s");
  EXPECT_EQ(age(180), "3 min");
  EXPECT_EQ(age(7200), "2 h");
  EXPECT_EQ(age(-5), "0 s");
}

TEST(Figures, Bytes) {
  EXPECT_EQ(bytes(512), "512B");
  EXPECT_EQ(bytes(4096), "4.0KiB");
  EXPECT_EQ(bytes(1'040'384), "1016KiB");
  EXPECT_EQ(bytes(std::nullopt), "-");
}

TEST(Figures, FitTheirColumns) {
  for (double value = 1e-5; value < 1e15; value *= 1.7) {
    EXPECT_LE(count(static_cast<std::uint64_t>(value)).size(), 5u) << value;
    EXPECT_LE(rate(value).size(), 5u) << value;
    EXPECT_LE(slope(-value).size(), 6u) << value;
    EXPECT_LE(percent(value).size(), 5u) << value;
  }
}

}  // namespace
}  // namespace rcached::top
