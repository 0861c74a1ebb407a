// SPDX-License-Identifier: Apache-2.0
// Discoverer: looks for domains, their groups and their names. It does so at once when the input log wants it (an
// event of an unknown domain, a loss), but not more often than every kGap; at growing intervals while a live domain
// has no group; and every kRefresh in any case: drivers are bound and unbound without an event.
//
// Looking means reading many small files, which takes tenths of a second on a large host.
//
// Threads: one, that of EventSource::discover().
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/host/iommu_groups.h"
#include "daemon/pipeline/input_log.h"
#include "daemon/source/event_source.h"

namespace rcached {

class Discoverer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using GroupReader = std::function<std::vector<IommuGroup>()>;

  static constexpr std::chrono::seconds kGap{1};
  static constexpr std::chrono::seconds kRefresh{60};

  Discoverer(EventSource& source, GroupReader read_groups)
      : source_(source), read_groups_(std::move(read_groups)) {}

  // What was found, if it was time to look. The result is to be taken over by the log.
  std::optional<Discovery> work(TimePoint now, const DomainList& domains) {
    const bool wanted = domains.wanted != seen_wanted_;
    if (wanted) retry_gap_ = kGap;
    const auto gap = wanted ? kGap : domains.has_unnamed ? retry_gap_ : kRefresh;
    if (last_ && now - *last_ < gap) return std::nullopt;
    if (!wanted) retry_gap_ = std::min(retry_gap_ * 2, kRefresh);
    seen_wanted_ = domains.wanted;
    last_ = now;
    Discovery found;
    found.domains = source_.discover();
    found.complete = source_.discovery_complete();
    found.groups = read_groups_();
    return found;
  }

 private:
  EventSource& source_;
  const GroupReader read_groups_;
  std::uint64_t seen_wanted_ = 0;
  std::optional<TimePoint> last_;
  std::chrono::seconds retry_gap_ = kGap;
};

}  // namespace rcached
