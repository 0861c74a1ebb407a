// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "exporters/prometheus/text_cursor.h"

namespace rcached {
namespace {

constexpr MetricsFormat kText = MetricsFormat::text;
constexpr MetricsFormat kOpen = MetricsFormat::openmetrics;

std::string metadata(const Metadata& of, MetricsFormat format) {
  std::string text;
  append_metadata(text, of, format);
  return text;
}

TEST(Exposition, MetadataOfBothFormats) {
  const Metadata counter{"iova_drained_ranges_total", "counter", "ranges", "What."};
  EXPECT_EQ(metadata(counter, kText),
            "# HELP iova_drained_ranges_total What.\n# TYPE iova_drained_ranges_total counter\n");
  EXPECT_EQ(metadata(counter, kOpen),
            "# HELP iova_drained_ranges What.\n# TYPE iova_drained_ranges counter\n"
            "# UNIT iova_drained_ranges ranges\n");
  EXPECT_EQ(metadata({"rcached_build_info", "info", "bool", "Who."}, kOpen),
            "# HELP rcached_build Who.\n# TYPE rcached_build info\n");
  EXPECT_EQ(metadata({"rcached_mode", "gauge", "bool", "M."}, kOpen),
            "# HELP rcached_mode M.\n# TYPE rcached_mode gauge\n")
      << "no unit where the name does not end in it";
  EXPECT_EQ(metadata({"bytes", "gauge", "bytes", "B."}, kOpen), "# HELP bytes B.\n# TYPE bytes gauge\n");
  EXPECT_EQ(metadata({"kilobytes", "gauge", "bytes", "B."}, kOpen),
            "# HELP kilobytes B.\n# TYPE kilobytes gauge\n");
}

TEST(Exposition, AnInfoIsAGaugeInTheTextFormat) {
  const MetricRow& row = kMetrics[metric("rcached_build_info")];
  EXPECT_EQ(metadata_of(row, kText).type, "gauge");
  EXPECT_EQ(metadata_of(row, kOpen).type, "info");
}

TEST(Exposition, HelpIsEscapedAsTheFormatWants) {
  const Metadata hostile{"a", "gauge", "", "say \"x\\y\"\nend\xff"};
  EXPECT_EQ(metadata(hostile, kText), "# HELP a say \"x\\\\y\"\\nend\xef\xbf\xbd\n# TYPE a gauge\n");
  EXPECT_EQ(metadata(hostile, kOpen), "# HELP a say \\\"x\\\\y\\\"\\nend\xef\xbf\xbd\n# TYPE a gauge\n");
}

TEST(Exposition, LabelValuesAreEscapedAndValid) {
  std::string text;
  append_label(text, "device", std::string("a\"b\\c\nd\xc3\0e", 10));
  EXPECT_EQ(text,
            "device=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xef\xbf\xbd"
            "e\"");
}

std::string number(double value) {
  std::string text;
  append_number(text, value);
  std::string written(3, '#');
  TextCursor cursor(written, 64);
  cursor.put_number(value);
  cursor.finish();
  EXPECT_EQ(written, text) << "the two ways to write a number agree";
  return text;
}

TEST(Exposition, NumbersAreTheShortestThatAreExact) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-3), "-3");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(number(1'700'000'000.91), "1700000000.91");
  EXPECT_EQ(number(-2.2250738585072014e-308), "-2.2250738585072014e-308") << "as long as they get";
  EXPECT_EQ(number(kInfinity), "+Inf");
  EXPECT_EQ(number(-kInfinity), "-Inf");
  EXPECT_EQ(number(std::nan("")), "NaN");
}

TEST(Exposition, BoundsAreCanonical) {
  EXPECT_EQ(canonical_number(1e-7), "1e-07");
  EXPECT_EQ(canonical_number(2.5e-7), "2.5e-07");
  EXPECT_EQ(canonical_number(1e-5), "1e-05");
  EXPECT_EQ(canonical_number(0.0001), "0.0001");
  EXPECT_EQ(canonical_number(0.00025), "0.00025");
  EXPECT_EQ(canonical_number(0.1), "0.1");
  EXPECT_EQ(canonical_number(0), "0.0");
  EXPECT_EQ(canonical_number(1), "1.0");
  EXPECT_EQ(canonical_number(2.5), "2.5");
  EXPECT_EQ(canonical_number(100'000), "100000.0");
  EXPECT_EQ(canonical_number(1e6), "1e+06");
  EXPECT_EQ(canonical_number(1e10), "1e+10");
  EXPECT_EQ(canonical_number(-0.5), "-0.5");
  EXPECT_EQ(canonical_number(std::numeric_limits<double>::infinity()), "+Inf");
}

TEST(TextCursor, WritesPiecesOfAnyLengthAndIntegersOfAnySize) {
  for (const std::size_t length : {0u, 1u, 63u, 64u, 65u, 1000u}) {
    const Piece piece(std::string(length, 'p'));
    std::string text(5, '#');
    TextCursor cursor(text, 0);
    for (int i = 0; i < 100; ++i) {
      cursor.room(piece.size() + 50);
      cursor.put(piece);
      cursor.put_number(std::numeric_limits<std::uint64_t>::max());
      cursor.put_number(std::numeric_limits<std::int64_t>::min());
      cursor.put(std::string_view("|"));
    }
    cursor.finish();
    std::string expected;
    for (int i = 0; i < 100; ++i) {
      expected += std::string(length, 'p') + "18446744073709551615-9223372036854775808|";
    }
    EXPECT_EQ(text, expected);
  }
}

}  // namespace
}  // namespace rcached
