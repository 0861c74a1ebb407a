// SPDX-License-Identifier: Apache-2.0
// One picture: all answers that a screen needs, asked for and parsed.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "base/error.h"
#include "exporters/top/json_source.h"
#include "exporters/top/model.h"

namespace rcached::top {

// As they came.
struct TopBodies {
  std::string domains, status, notes;
  std::optional<std::string> domain;  // when one was asked for and is there

  friend bool operator==(const TopBodies&, const TopBodies&) = default;
};

struct TopPicture {
  TopBodies bodies;
  TopData data;
};

// With the domain `label` and its history when it is not empty; one that has gone is no error, data.detail is
// then empty. Answers that are of different snapshots are asked for again, a few times.
Expected<TopPicture> fetch_top(JsonSource& source, const std::string& label);

// {"domains":...,"status":...,"notes":...} and "domain" when there is one, on one line, in ASCII.
std::string json_line(const TopBodies& bodies);

}  // namespace rcached::top
