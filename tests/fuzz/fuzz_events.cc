// SPDX-License-Identifier: Apache-2.0
// Records from the rings, applied to the mirror. The first byte selects the kernel and the magazine size; then
// records of 56 bytes follow. They are applied unchanged, and again with their values limited to small ranges
// so that they collide.
#include <algorithm>
#include <cstring>

#include "allocator/mirror.h"
#include "daemon/source/translate.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

namespace {

KernelProfile profile_of(std::uint8_t choice) {
  constexpr KernelProfile kProfiles[] = {kProfile510, kProfile61, kProfile612};
  KernelProfile profile = kProfiles[choice % 3];
  if (choice >= 128) return profile;
  profile.magazine_capacity = 1 + choice % 5;
  if (profile.depot == DepotKind::bounded) profile.depot_capacity = 1 + choice % 4;
  return profile;
}

// Small values recur often. Well-formed records stay well-formed, malformed ones stay malformed.
rcached_event narrowed(rcached_event event) {
  event.domain %= 3;
  event.pfn &= 0x3f;
  event.cpu %= 4;
  event.size %= 40;
  event.op = static_cast<std::uint8_t>(event.op % (RCACHED_OP_LAST + 2));
  if (event.order != RCACHED_ORDER_NONE) event.order %= RCACHED_CACHED_ORDERS + 1;
  event.cause %= 4;
  event.loaded %= 8;
  event.prev %= 8;
  event.depot %= 8;
  event.arg &= event.op == RCACHED_OP_RESERVE ? 0x7f : 0xfff;
  return event;
}

class Follower {
 public:
  explicit Follower(const KernelProfile& profile) : mirror_(profile) {}

  void take(const rcached_event& event) {
    const auto operation = to_operation(event);
    if (!operation || is_failed_reserve(event) || event.domain == 0) return;
    const rcached_event back = to_event(*operation, event.domain, event.arg);
    const auto again = to_operation(back);
    check(again.has_value(), "our own record is valid");
    const rcached_event once_more = to_event(*again, event.domain, event.arg);
    check(std::memcmp(&back, &once_more, sizeof back) == 0, "converting it again gives the same record");
    mirror_.apply(event.domain, *operation);
    last_ns_ = std::max<std::uint64_t>(last_ns_, event.time_ns);
    if (const DomainMirror* domain = mirror_.find(event.domain)) check_domain(*domain);
  }

  void end() {
    mirror_.apply(Tick{last_ns_});
    for (const DomainSnapshot& domain : mirror_.snapshot().domains) {
      check_domain(*mirror_.find(domain.id));
      const auto parts = domain.outstanding + domain.cpu_cached + domain.depot_cached + domain.reserved +
                         static_cast<std::uint64_t>(domain.unaccounted);
      check(domain.tree_ranges == parts, "the balance sheet adds up");
      const PredictionSnapshot& p = domain.prediction;
      check(
          p.predictions == p.hits + p.miss_reordered + p.miss_depot_race + p.miss_migration + p.miss_unknown,
          "every prediction is a hit or in a class of misses");
    }
  }

 private:
  static void check_domain(const DomainMirror& domain) {
    const std::string wrong = domain.model().find_inconsistency();
    check(wrong.empty(), "the model is consistent", wrong);
  }

  Mirror mirror_;
  std::uint64_t last_ns_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Follower unchanged(profile_of(data[0])), narrow(profile_of(data[0]));
  for (std::size_t at = 1; at + sizeof(rcached_event) <= size; at += sizeof(rcached_event)) {
    rcached_event event;
    std::memcpy(&event, data + at, sizeof event);
    unchanged.take(event);
    narrow.take(narrowed(event));
  }
  unchanged.end();
  narrow.end();
  return 0;
}
