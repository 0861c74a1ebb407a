// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "exporters/api/detail_model.h"
#include "exporters/api/json.h"
#include "exporters/api/model.h"
#include "exporters/api/status_model.h"

namespace rcached::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 32;  // the responses have 6 levels
constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();

// Thrown only within this file.
class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The position of a value, formatted only for errors.
struct Place {
  const Place* parent = nullptr;
  const char* name = nullptr;
  std::size_t index = kNoIndex;

  std::string text() const {
    if (parent == nullptr) return {};
    std::string out = parent->text();
    if (index != kNoIndex) return out + fmt::format("[{}]", index);
    return out + (out.empty() ? "" : ".") + name;
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw Malformed((parent == nullptr ? "the response" : text()) + " " + why);
  }
};

void read(const Json& json, bool& out, const Place& place, const Rule&) {
  if (!json.is_boolean()) place.refuse("is neither true nor false");
  out = json.get<bool>();
}

void read(const Json& json, std::uint64_t& out, const Place& place, const Rule&) {
  if (!json.is_number_unsigned()) place.refuse("is not a count");
  out = json.get<std::uint64_t>();
}

void read(const Json& json, std::int64_t& out, const Place& place, const Rule&) {
  const bool fits =
      !json.is_number_unsigned() ||
      json.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!json.is_number_integer() || !fits) place.refuse("is not an integer");
  out = json.get<std::int64_t>();
}

void read(const Json& json, double& out, const Place& place, const Rule& rule) {
  if (!json.is_number()) place.refuse("is not a number");
  out = json.get<double>();
  if (!std::isfinite(out)) place.refuse("is not a finite number");
  if (out < 0 && !rule.negative) place.refuse("is negative");
}

void read(const Json& json, std::string& out, const Place& place, const Rule& rule) {
  if (!json.is_string()) place.refuse("is not a string");
  out = json.get<std::string>();
  if (!rule.one_of.empty() && std::find(rule.one_of.begin(), rule.one_of.end(), out) == rule.one_of.end())
    place.refuse(fmt::format("is none of {}", fmt::join(rule.one_of, ", ")));
}

template <Described T>
void read(const Json& json, T& out, const Place& place, const Rule& = {});

template <class T>
void read(const Json& json, std::vector<T>& out, const Place& place, const Rule& rule);

template <class T, std::size_t N>
void read(const Json& json, std::array<T, N>& out, const Place& place, const Rule& rule);

template <class T>
void read(const Json& json, std::optional<T>& out, const Place& place, const Rule& rule) {
  out.reset();
  if (!json.is_null()) read(json, out.emplace(), place, rule);
}

template <class T>
void read(const Json& json, std::vector<T>& out, const Place& place, const Rule& rule) {
  if (!json.is_array()) place.refuse("is not an array");
  out.resize(json.size());
  for (std::size_t i = 0; i < out.size(); ++i) read(json[i], out[i], Place{&place, nullptr, i}, rule);
}

template <class T, std::size_t N>
void read(const Json& json, std::array<T, N>& out, const Place& place, const Rule& rule) {
  if (!json.is_array()) place.refuse("is not an array");
  if (json.size() != N) place.refuse(fmt::format("does not have {} entries", N));
  for (std::size_t i = 0; i < N; ++i) read(json[i], out[i], Place{&place, nullptr, i}, rule);
}

template <class T>
const std::vector<T>* as_column(const std::vector<T>& list) {
  return &list;
}
const std::vector<int>* as_column(const auto&) { return nullptr; }

template <Columns T>
void check_columns(const T& table, const Place& place) {
  const char* first = nullptr;
  std::size_t rows = 0;
  T::fields([&](const char* name, auto member, const char*, const Rule& = {}) {
    const auto* column = as_column(table.*member);
    if (column == nullptr) return;
    if (first == nullptr) {
      first = name;
      rows = column->size();
    } else if (column->size() != rows) {
      Place{&place, name}.refuse("is not as long as " + Place{&place, first}.text());
    }
  });
}

template <Described T>
void read(const Json& json, T& out, const Place& place, const Rule&) {
  if (!json.is_object()) place.refuse("is not an object");
  T::fields([&](const char* name, auto member, const char*, const Rule& rule = {}) {
    const Place child{&place, name};
    const auto found = json.find(name);
    if (found == json.end()) child.refuse("is missing");
    read(*found, out.*member, child, rule);
  });
  if constexpr (Columns<T>) check_columns(out, place);
}

// The JSON library uses a stack frame for each open bracket when writing.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

tl::unexpected<Error> bad_answer(std::string why) {
  return fail(ErrorCode::bad_answer, std::move(why),
              "check that the address belongs to an rcached of a similar version");
}

Expected<Json> parse_json(std::string_view body) {
  if (body.empty()) return bad_answer("the response is empty");
  if (too_deep(body)) return bad_answer("the response is nested too deeply");
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return bad_answer("the response is not JSON, or is truncated");
  return json;
}

}  // namespace

template <Described T>
Expected<T> from_json(std::string_view body) {
  RCACHED_TRY(const Json json, parse_json(body));
  try {
    T out;
    read(json, out, Place{});
    return out;
  } catch (const Malformed& malformed) {
    return bad_answer(malformed.what());
  }
}

template Expected<Domains> from_json(std::string_view);
template Expected<DomainDetail> from_json(std::string_view);
template Expected<History> from_json(std::string_view);
template Expected<Status> from_json(std::string_view);
template Expected<Notes> from_json(std::string_view);
template Expected<ErrorAnswer> from_json(std::string_view);

Expected<std::string> rewritten_json(std::string_view body, Escape escape) {
  RCACHED_TRY(const Json json, parse_json(body));
  return json.dump(-1, ' ', escape == Escape::non_ascii, Json::error_handler_t::replace);
}

}  // namespace rcached::api
