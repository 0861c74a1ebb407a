// SPDX-License-Identifier: Apache-2.0
#include "tests/kit/samples.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string_view>

namespace rcached::testing {
namespace {

// The suffix of a sample's name that its family's name may lack.
bool belongs(const std::string& name, const std::string& family, const std::string& type) {
  if (!name.starts_with(family)) return false;
  const std::string suffix = name.substr(family.size());
  if (type == "histogram") return suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
  if (type == "summary") return suffix.empty() || suffix == "_sum" || suffix == "_count";
  if (type == "counter") return suffix.empty() || suffix == "_total";
  if (type == "info") return suffix == "_info";
  return suffix.empty();
}

double number(const std::string& text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  std::size_t used = 0;
  const double value = std::stod(text, &used);
  EXPECT_EQ(used, text.size()) << text;
  return value;
}

}  // namespace

Samples::Samples(const std::string& text) {
  EXPECT_TRUE(text.empty() || text.back() == '\n') << "the last line ends with a newline";
  std::istringstream lines(text);
  bool ended = false;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_FALSE(ended) << "after # EOF: " << line;
    if (line == "# EOF") {
      ended = true;
    } else if (line.starts_with("# ")) {
      metadata(line);
    } else {
      sample(line);
    }
  }
}

void Samples::metadata(const std::string& line) {
  std::istringstream words(line);
  std::string hash;
  std::string what;
  std::string family;
  std::string rest;
  words >> hash >> what >> family;
  std::getline(words >> std::ws, rest);
  if (what == "HELP") {
    EXPECT_FALSE(types_.contains(family)) << family << " has more than one block";
    EXPECT_FALSE(rest.empty()) << line;
    family_ = family;
    types_[family];
  } else if (what == "TYPE") {
    EXPECT_EQ(family, family_) << line;
    types_[family] = type_ = rest;
  } else if (what == "UNIT") {
    EXPECT_EQ(family, family_) << line;
    EXPECT_TRUE(family.ends_with("_" + rest)) << line;
  } else {
    ADD_FAILURE() << "neither sample nor metadata: " << line;
  }
}

void Samples::sample(const std::string& line) {
  const auto name_end = line.find_first_of("{ ");
  ASSERT_NE(name_end, std::string::npos) << line;
  const std::string name = line.substr(0, name_end);
  EXPECT_TRUE(belongs(name, family_, type_)) << line << " in the block of " << family_;

  std::string series = name + "{";
  std::string labels;
  std::size_t at = name_end;
  if (line[at] == '{') {
    while (line.at(at) != '}') {
      const auto equals = line.find('=', ++at);
      ASSERT_NE(equals, std::string::npos) << line;
      const std::string label = line.substr(at, equals - at);
      ASSERT_EQ(line.at(equals + 1), '"') << line;
      std::string value;
      for (at = equals + 2; line.at(at) != '"'; ++at) {
        if (line[at] != '\\') {
          value += line[at];
          continue;
        }
        const char escaped = line.at(++at);
        ASSERT_TRUE(escaped == 'n' || escaped == '"' || escaped == '\\') << line;
        value += escaped == 'n' ? '\n' : escaped;
      }
      ++at;
      ASSERT_TRUE(line.at(at) == ',' || line.at(at) == '}') << line;
      series += (series.back() == '{' ? "" : ",") + label + "=" + value;
      if (label != "le") labels += (labels.empty() ? "" : ",") + label;
    }
    ++at;
  }
  ASSERT_EQ(line.at(at), ' ') << line;
  EXPECT_TRUE(values_.emplace(series + "}", number(line.substr(at + 1))).second)
      << "exported twice: " << series;
  const std::string metric = type_ == "histogram" || type_ == "summary" ? family_ : name;
  ++series_[metric];
  if (!name.ends_with("_sum") && !name.ends_with("_count")) {
    const auto known = label_names_.emplace(metric, labels).first;
    EXPECT_EQ(known->second, labels) << line;
  }
}

std::size_t Samples::series_of(const std::string& metric) const {
  const auto found = series_.find(metric);
  return found == series_.end() ? 0 : found->second;
}

std::string Samples::type(const std::string& metric) const {
  const auto found = types_.find(metric);
  return found == types_.end() ? "" : found->second;
}

double Samples::at(const std::string& series) const {
  const auto found = values_.find(series);
  EXPECT_NE(found, values_.end()) << "no series " << series;
  return found == values_.end() ? -1e99 : found->second;
}

double Samples::sum(const std::string& prefix) const {
  double total = 0;
  for (const auto& [series, value] : values_) total += series.starts_with(prefix) ? value : 0;
  return total;
}

std::size_t Samples::count(const std::string& prefix) const {
  std::size_t n = 0;
  for (const auto& [series, value] : values_) n += series.starts_with(prefix) ? 1 : 0;
  return n;
}

}  // namespace rcached::testing
