// SPDX-License-Identifier: Apache-2.0
// The two exposition formats, Prometheus text 0.0.4 and OpenMetrics 1.0: metadata lines, label blocks, and the
// SampleSink that writes all samples of a scrape. A scrape has up to several hundred thousand of them, so the
// functions called for each are inline. Not thread-safe.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/http/negotiation.h"
#include "exporters/prometheus/metric_table.h"

namespace rcached {

// The lines before the samples of a metric: "# HELP", "# TYPE" and, in OpenMetrics, "# UNIT" if the name ends
// in the unit. In OpenMetrics a counter's family has no _total and an info's no _info; in the text
// format an info is a gauge.
std::string metadata_lines(const MetricRow& row, MetricsFormat format);

// Appends `name="value"`, after a comma if there are labels already. Escaped (the same in both formats) and
// valid UTF-8; a NUL becomes U+FFFD, because parsers of the text format treat it as the end.
void append_label(std::string& labels, std::string_view name, std::string_view value);

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
std::string joined(const Labels& labels);       // a="1",b="2"
std::string label_block(const Labels& labels);  // {a="1",b="2"} and a space

// A bound as OpenMetrics requires it in `le`: "1e-07", "0.00025", "1.0", "+Inf". The text format uses the same,
// so that a histogram's series do not depend on the format.
std::string canonical_number(double value);

// A text that is copied very often. It is padded, so a fixed-size copy of a short one stays within its memory:
// copying 64 bytes takes four instructions, copying 49 takes a call.
class Piece {
 public:
  static constexpr std::size_t kFixed = 64;

  Piece() : Piece(std::string()) {}
  explicit Piece(std::string text) : size_(text.size()), padded_(std::move(text)) {
    padded_.append(kFixed, '\0');
  }

  const char* data() const { return padded_.data(); }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {padded_.data(), size_}; }

 private:
  std::size_t size_;
  std::string padded_;
};

// Each writes at `at`, which must have room, and returns the end.
[[gnu::always_inline]] inline char* write_at(char* at, const Piece& piece) {
  if (piece.size() <= Piece::kFixed) {
    std::memcpy(at, piece.data(), Piece::kFixed);
  } else {
    std::memcpy(at, piece.data(), piece.size());
  }
  return at + piece.size();
}
inline char* write_at(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}
// A number takes at most 24 bytes: the shortest text that parses to the same number; NaN, +Inf, -Inf.
inline char* write_at(char* at, std::uint64_t value) { return std::to_chars(at, at + 24, value).ptr; }
inline char* write_at(char* at, std::int64_t value) { return std::to_chars(at, at + 24, value).ptr; }
inline char* write_at(char* at, double value) {
  if (std::isfinite(value)) return std::to_chars(at, at + 24, value).ptr;
  return write_at(at, std::isnan(value) ? std::string_view("NaN") : value > 0 ? "+Inf" : "-Inf");
}

// Writes a text of many megabytes into a reused string without the overhead of std::string::append(): the
// string is overwritten, and the capacity is checked once per line.
class TextCursor {
 public:
  // Overwrites `out` from its beginning. `out` is invalid until finish() is called. It is resized immediately to
  // at least `expected` bytes.
  TextCursor(std::string& out, std::size_t expected) : out_(out) {
    if (out_.capacity() < expected + kSlack)
      std::string().swap(out_);  // otherwise both buffers would exist at once
    if (out_.size() < expected + kSlack) out_.resize(expected + kSlack);
    place(0);
  }

  // A position with room for at least `bytes` bytes.
  char* room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes + kSlack) grow(bytes + kSlack);
    return at_;
  }
  // Sets the end of the written text.
  void advance(char* at) { at_ = at; }

  // Truncates the string to the written text.
  void finish() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }

 private:
  static constexpr std::size_t kSlack = Piece::kFixed;  // a fixed-size copy may write beyond its text

  void place(std::size_t used) {
    at_ = out_.data() + used;
    end_ = out_.data() + out_.size();
  }
  void grow(std::size_t bytes) {
    const auto used = static_cast<std::size_t>(at_ - out_.data());
    out_.resize(used + std::max(bytes, used / 8));
    place(used);
  }

  std::string& out_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

// Takes the samples of one metric after the other and writes them, or only counts them.
class SampleSink {
 public:
  SampleSink() = default;                               // counts
  explicit SampleSink(TextCursor& out) : out_(&out) {}  // writes

  // The samples that follow are of the metric `name`. `metadata` is written before the first one: a metric
  // without samples has no lines.
  void start(const Piece& name, std::string_view metadata) {
    name_ = &name;
    metadata_ = metadata;
    series_ = 0;
    bytes_ = 0;
  }

  // `parts`, Pieces or string_views, make up the label block with its closing "} "; without labels it is " ".
  template <class Value, class... Parts>
  [[gnu::always_inline]] void add(Value value, const Parts&... parts) {
    add_line(nullptr, value, parts...);
  }
  // For _bucket, _sum and _count of a histogram.
  template <class Value, class... Parts>
  [[gnu::always_inline]] void add_suffixed(const Piece& suffix, Value value, const Parts&... parts) {
    add_line(&suffix, value, parts...);
  }

  // Since start(), if it only counts. The bytes are an estimate.
  std::uint64_t series() const { return series_; }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kNumberRoom = 32;    // of a value and its newline
  static constexpr std::size_t kTypicalNumber = 6;  // typical size of a value and its newline

  // `suffix`: null if the name has none.
  template <class Value, class... Parts>
  [[gnu::always_inline]] void add_line(const Piece* suffix, Value value, const Parts&... parts) {
    const std::size_t size = name_->size() + (suffix == nullptr ? 0 : suffix->size()) + (parts.size() + ...);
    if (out_ != nullptr) {
      write(size, suffix, value, parts...);
    } else {
      ++series_;
      bytes_ += size + kTypicalNumber;
    }
  }
  template <class Value, class... Parts>
  void write(std::size_t size, const Piece* suffix, Value value, const Parts&... parts) {
    if (!metadata_.empty()) put_metadata();
    char* at = out_->room(size + kNumberRoom);
    at = write_at(at, *name_);
    if (suffix != nullptr) at = write_at(at, *suffix);
    ((at = write_at(at, parts)), ...);
    at = write_at(at, value);
    *at++ = '\n';
    out_->advance(at);
  }
  void put_metadata();

  TextCursor* out_ = nullptr;
  const Piece* name_ = nullptr;
  std::string_view metadata_;  // until it is written
  std::uint64_t series_ = 0;
  std::size_t bytes_ = 0;
};

inline constexpr std::string_view kNoLabels = " ";

}  // namespace rcached
