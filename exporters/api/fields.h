// SPDX-License-Identifier: Apache-2.0
// How the structs of the API (model.h, status_model.h) list their fields. Everything else is derived from the
// list: writing and reading JSON (json.h), the schemas of the OpenAPI document (openapi.cc) and comparison.
//
//   struct Level {
//     static constexpr Schema kSchema{"Level"};
//     Count ranges = 0;
//     Figure per_second;
//     template <class Visit>
//     static void fields(Visit&& visit) {
//       visit("ranges", &Level::ranges, "IOVA ranges now");
//       visit("per_second", &Level::per_second, "Change per second; null: not known yet", kSigned);
//     }
//   };
//
// The member's type determines the JSON type: std::optional may be null, std::vector is an array, std::array an
// array of fixed length, another struct an object. Numbers are not negative unless the rule says so.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rcached::api {

using Count = std::uint64_t;
using Known = std::optional<std::uint64_t>;  // null: not known
using Figure = std::optional<double>;        // the same

struct Schema {
  const char* name;
  const char* about = "";  // description of the whole; may be empty
};

// Constraints beyond the field's type.
struct Rule {
  bool negative = false;                          // numbers below 0 are allowed
  std::span<const std::string_view> one_of = {};  // the allowed values of a string; empty: any
};

inline constexpr Rule kSigned{.negative = true};

template <class T>
concept Described = requires {
  T::kSchema;
};

// True if all arrays of T are columns of one table, and therefore equally long.
template <class T>
concept Columns = Described<T> && requires {
  T::kColumns;
};

template <Described T>
bool operator==(const T& a, const T& b) {
  bool same = true;
  T::fields([&](const char*, auto member, const char*, const Rule& = {}) {
    same = same && a.*member == b.*member;
  });
  return same;
}

}  // namespace rcached::api
