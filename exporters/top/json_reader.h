// SPDX-License-Identifier: Apache-2.0
// JsonReader: takes members out of a JSON object with their types checked. Inside of the parser only: what is
// wrong is thrown as Malformed and caught before it leaves parse.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace rcached::top {

using Json = nlohmann::ordered_json;

class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Points into the JSON it is made of. Numbers of the API are finite, and counts whole and not negative.
class JsonReader {
 public:
  // Throws when `json` is not an object. `path` names it in messages.
  JsonReader(const Json& json, std::string path);

  const std::string& path() const { return path_; }
  bool has(const char* name) const;  // there, and not null

  std::uint64_t count(const char* name) const;
  std::optional<std::uint64_t> known(const char* name) const;
  std::int64_t whole(const char* name) const;
  double number(const char* name) const;
  std::optional<double> figure(const char* name) const;
  std::string text(const char* name) const;
  std::string text_or_empty(const char* name) const;  // null is empty
  bool flag(const char* name) const;
  JsonReader object(const char* name) const;
  std::optional<JsonReader> object_or_null(const char* name) const;

  // Calls take(element, its path) for every element of the array.
  template <typename Take>
  void each(const char* name, Take&& take) const {
    const Json& array = list(name);
    for (std::size_t i = 0; i < array.size(); ++i)
      take(array[i], path_ + name + "[" + std::to_string(i) + "]");
  }

 private:
  const Json& member(const char* name) const;
  const Json& list(const char* name) const;
  [[noreturn]] void refuse(const char* name, const char* why) const;

  const Json* json_;
  std::string path_;  // with a final dot, or empty
};

// One element, of which `path` is the name.
std::uint64_t as_count(const Json& json, const std::string& path);
std::optional<double> as_figure(const Json& json, const std::string& path);
std::string as_text(const Json& json, const std::string& path);

}  // namespace rcached::top
