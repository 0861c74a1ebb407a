// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "exporters/api/detail_model.h"
#include "exporters/api/json.h"
#include "exporters/api/model.h"
#include "exporters/api/status_model.h"

namespace rcached::api {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json json_of(const T& value) {
  return value;  // numbers, strings, true and false
}

template <Described T>
Json json_of(const T& value);
template <class T>
Json json_of(const std::optional<T>& value);
template <class T>
Json json_of(const std::vector<T>& list);
template <class T, std::size_t N>
Json json_of(const std::array<T, N>& list);

template <class List>
Json array_of(const List& list) {
  Json::array_t out;
  out.reserve(list.size());
  for (const auto& element : list) out.push_back(json_of(element));
  return out;
}

template <class T>
Json json_of(const std::vector<T>& list) {
  return array_of(list);
}

template <class T, std::size_t N>
Json json_of(const std::array<T, N>& list) {
  return array_of(list);
}

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json();
}

template <Described T>
Json json_of(const T& value) {
  std::size_t size = 0;
  T::fields([&size](auto&&...) { ++size; });
  Json::object_t object;
  object.reserve(size);
  // As a plain vector: names are unique, so there is no need to search for each.
  std::vector<Json::object_t::value_type>& members = object;
  T::fields([&](const char* name, auto member, const char*, const Rule& = {}) {
    members.emplace_back(name, json_of(value.*member));
  });
  return object;
}

}  // namespace

template <Described T>
std::string to_json(const T& answer, Escape escape) {
  return json_of(answer).dump(-1, ' ', escape == Escape::non_ascii, Json::error_handler_t::replace);
}

template std::string to_json(const Domains&, Escape);
template std::string to_json(const DomainDetail&, Escape);
template std::string to_json(const History&, Escape);
template std::string to_json(const Status&, Escape);
template std::string to_json(const Notes&, Escape);
template std::string to_json(const ErrorAnswer&, Escape);

}  // namespace rcached::api
