// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/json_reader.h"

#include <cmath>
#include <limits>

namespace rcached::top {
namespace {

[[noreturn]] void refuse_at(const std::string& path, const char* why) { throw Malformed(path + " " + why); }

}  // namespace

JsonReader::JsonReader(const Json& json, std::string path) : json_(&json), path_(std::move(path)) {
  if (!json.is_object()) refuse_at(path_.empty() ? "the answer" : path_, "is not an object");
  if (!path_.empty()) path_ += ".";
}

void JsonReader::refuse(const char* name, const char* why) const { refuse_at(path_ + name, why); }

const Json& JsonReader::member(const char* name) const {
  const auto found = json_->find(name);
  if (found == json_->end()) refuse(name, "is missing");
  return *found;
}

bool JsonReader::has(const char* name) const {
  const auto found = json_->find(name);
  return found != json_->end() && !found->is_null();
}

const Json& JsonReader::list(const char* name) const {
  const Json& value = member(name);
  if (!value.is_array()) refuse(name, "is not a list");
  return value;
}

std::uint64_t JsonReader::count(const char* name) const { return as_count(member(name), path_ + name); }

std::optional<std::uint64_t> JsonReader::known(const char* name) const {
  const Json& value = member(name);
  if (value.is_null()) return std::nullopt;
  return as_count(value, path_ + name);
}

std::int64_t JsonReader::whole(const char* name) const {
  const Json& value = member(name);
  const bool fits =
      !value.is_number_unsigned() ||
      value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer() || !fits) refuse(name, "is not a whole number");
  return value.get<std::int64_t>();
}

double JsonReader::number(const char* name) const {
  const auto value = figure(name);
  if (!value) refuse(name, "is not a number");
  return *value;
}

std::optional<double> JsonReader::figure(const char* name) const {
  return as_figure(member(name), path_ + name);
}

std::string JsonReader::text(const char* name) const { return as_text(member(name), path_ + name); }

std::string JsonReader::text_or_empty(const char* name) const {
  const Json& value = member(name);
  return value.is_null() ? std::string() : as_text(value, path_ + name);
}

bool JsonReader::flag(const char* name) const {
  const Json& value = member(name);
  if (!value.is_boolean()) refuse(name, "is neither true nor false");
  return value.get<bool>();
}

JsonReader JsonReader::object(const char* name) const { return {member(name), path_ + name}; }

std::optional<JsonReader> JsonReader::object_or_null(const char* name) const {
  const Json& value = member(name);
  if (value.is_null()) return std::nullopt;
  return JsonReader(value, path_ + name);
}

std::uint64_t as_count(const Json& json, const std::string& path) {
  if (!json.is_number_unsigned()) refuse_at(path, "is not a count");
  return json.get<std::uint64_t>();
}

std::optional<double> as_figure(const Json& json, const std::string& path) {
  if (json.is_null()) return std::nullopt;
  if (!json.is_number()) refuse_at(path, "is not a number");
  const auto value = json.get<double>();
  if (!std::isfinite(value)) refuse_at(path, "is not a finite number");
  return value;
}

std::string as_text(const Json& json, const std::string& path) {
  if (!json.is_string()) refuse_at(path, "is not a text");
  return json.get<std::string>();
}

}  // namespace rcached::top
