// SPDX-License-Identifier: Apache-2.0
// Samples: parses an exposition in either format, for tests. It is strict: every line must be well-formed, every
// metric in one block with its metadata before it, every series present once. A violation fails the test.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace rcached::testing {

class Samples {
 public:
  explicit Samples(const std::string& text);

  // By the metric's name: a histogram's without its suffixes, a counter's with _total.
  bool has(const std::string& metric) const { return series_.contains(metric); }
  std::size_t metrics() const { return series_.size(); }
  // Sample lines of a metric.
  std::size_t series_of(const std::string& metric) const;
  std::size_t series() const { return values_.size(); }
  // As in "# TYPE".
  std::string type(const std::string& metric) const;
  // By metric; comma-separated label names, in the order of the first sample, without le.
  const std::map<std::string, std::string>& label_names() const { return label_names_; }

  // Series are "name{label=value,...}", values unescaped.
  const std::map<std::string, double>& values() const { return values_; }
  double at(const std::string& series) const;
  // Of all series whose text begins with this prefix.
  double sum(const std::string& prefix) const;
  std::size_t count(const std::string& prefix) const;

 private:
  void metadata(const std::string& line);
  void sample(const std::string& line);

  std::map<std::string, double> values_;
  std::map<std::string, std::size_t> series_;
  std::map<std::string, std::string> types_;  // by family, as in the text
  std::map<std::string, std::string> label_names_;
  std::string family_;  // family of the current block
  std::string type_;
};

}  // namespace rcached::testing
