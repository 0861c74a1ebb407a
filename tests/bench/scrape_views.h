// SPDX-License-Identifier: Apache-2.0
// Views of large hosts for the scrape benchmark, with a value in every field that a scrape shows.
#pragma once

#include <cstdint>

#include "view/view.h"

namespace rcached::bench {

struct Host {
  unsigned domains = 64;
  unsigned cpus = 256;
  bool per_magazine = false;  // 12 series for each domain and CPU
};

// The same seed gives the same numbers; a different seed changes all of them.
View make_view(const Host& host, std::uint32_t seed);

}  // namespace rcached::bench
