// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rcached {
namespace {

constexpr MetricsFormat kText = MetricsFormat::text;
constexpr MetricsFormat kOpen = MetricsFormat::openmetrics;

std::string metadata(std::string_view name, MetricKind kind, std::string_view unit, std::string_view help,
                     MetricsFormat format) {
  return metadata_lines({name, kind, unit, "", MetricTier::standard, "-", help}, format);
}

TEST(Exposition, MetadataOfBothFormats) {
  const auto counter = [](MetricsFormat format) {
    return metadata("iova_drained_ranges_total", MetricKind::counter, "ranges", "What.", format);
  };
  EXPECT_EQ(counter(kText),
            "# HELP iova_drained_ranges_total What.\n# TYPE iova_drained_ranges_total counter\n");
  EXPECT_EQ(counter(kOpen),
            "# HELP iova_drained_ranges What.\n# TYPE iova_drained_ranges counter\n"
            "# UNIT iova_drained_ranges ranges\n");
  EXPECT_EQ(metadata("a_seconds", MetricKind::histogram, "seconds", "A.", kOpen),
            "# HELP a_seconds A.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n");
  EXPECT_EQ(metadata("rcached_mode", MetricKind::gauge, "bool", "M.", kOpen),
            "# HELP rcached_mode M.\n# TYPE rcached_mode gauge\n")
      << "no unit if the name does not end in it";
  EXPECT_EQ(metadata("bytes", MetricKind::gauge, "bytes", "B.", kOpen),
            "# HELP bytes B.\n# TYPE bytes gauge\n");
  EXPECT_EQ(metadata("kilobytes", MetricKind::gauge, "bytes", "B.", kOpen),
            "# HELP kilobytes B.\n# TYPE kilobytes gauge\n");
}

TEST(Exposition, AnInfoIsAGaugeInTheTextFormat) {
  EXPECT_EQ(metadata("rcached_build_info", MetricKind::info, "bool", "Who.", kOpen),
            "# HELP rcached_build Who.\n# TYPE rcached_build info\n");
  EXPECT_EQ(metadata("rcached_build_info", MetricKind::info, "bool", "Who.", kText),
            "# HELP rcached_build_info Who.\n# TYPE rcached_build_info gauge\n");
}

TEST(Exposition, HelpIsEscapedAsTheFormatRequires) {
  const auto hostile = [](MetricsFormat format) {
    return metadata("a", MetricKind::gauge, "", "say \"x\\y\"\nend\xff", format);
  };
  EXPECT_EQ(hostile(kText), "# HELP a say \"x\\\\y\"\\nend\xef\xbf\xbd\n# TYPE a gauge\n");
  EXPECT_EQ(hostile(kOpen), "# HELP a say \\\"x\\\\y\\\"\\nend\xef\xbf\xbd\n# TYPE a gauge\n");
}

TEST(Exposition, LabelValuesAreEscapedAndValid) {
  std::string text;
  append_label(text, "device", std::string("a\"b\\c\nd\xc3\0e", 10));
  EXPECT_EQ(text,
            "device=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xef\xbf\xbd"
            "e\"");
}

TEST(Exposition, LabelsAreJoinedByCommas) {
  EXPECT_EQ(joined({{"a", "1"}, {"b", "\""}}), "a=\"1\",b=\"\\\"\"");
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(label_block({{"a", "1"}}), "{a=\"1\"} ");
}

std::string number(double value) {
  std::string written(3, '#');
  TextCursor cursor(written, 64);
  cursor.advance(write_at(cursor.room(24), value));
  cursor.finish();
  return written;
}

TEST(Exposition, NumbersAreTheShortestThatAreExact) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-3), "-3");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(number(1'700'000'000.91), "1700000000.91");
  EXPECT_EQ(number(-2.2250738585072014e-308), "-2.2250738585072014e-308") << "the longest possible";
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
  EXPECT_EQ(canonical_number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(canonical_number(std::nan("")), "NaN");
}

TEST(TextCursor, WritesPiecesOfAnyLengthAndIntegersOfAnySize) {
  for (const std::size_t length : {0u, 1u, 63u, 64u, 65u, 1000u}) {
    const Piece piece(std::string(length, 'p'));
    std::string text(5, '#');
    TextCursor cursor(text, 0);
    for (int i = 0; i < 100; ++i) {
      char* at = cursor.room(piece.size() + 50);
      at = write_at(at, piece);
      at = write_at(at, std::numeric_limits<std::uint64_t>::max());
      at = write_at(at, std::numeric_limits<std::int64_t>::min());
      cursor.advance(write_at(at, std::string_view("|")));
    }
    cursor.finish();
    std::string expected;
    for (int i = 0; i < 100; ++i) {
      expected += std::string(length, 'p') + "18446744073709551615-9223372036854775808|";
    }
    EXPECT_EQ(text, expected);
  }
}

TEST(SampleSink, CountsTheLinesThatItWouldWrite) {
  const Piece name(std::string("a"));
  const std::string_view block = "{x=\"1\"} ";
  std::string text;
  TextCursor cursor(text, 0);
  SampleSink writing(cursor);
  SampleSink counting;
  for (SampleSink* sink : {&writing, &counting}) {
    sink->start(name, "# TYPE a gauge\n");
    sink->add(std::uint64_t{7}, block);
    sink->add_suffixed(Piece(std::string("_sum")), 0.5, kNoLabels);
  }
  cursor.finish();
  EXPECT_EQ(text, "# TYPE a gauge\na{x=\"1\"} 7\na_sum 0.5\n");
  EXPECT_EQ(counting.series(), 2u);
  EXPECT_GE(counting.bytes(), 20u);
  counting.start(name, {});
  EXPECT_EQ(counting.series(), 0u) << "counted per metric";
}

TEST(SampleSink, AMetricWithoutSamplesHasNoLines) {
  std::string text;
  TextCursor cursor(text, 0);
  SampleSink sink(cursor);
  sink.start(Piece(std::string("a")), "# TYPE a gauge\n");
  cursor.finish();
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace rcached
