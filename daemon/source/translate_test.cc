// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/translate.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace rcached {
namespace {

rcached_event event_of(std::uint8_t op) {
  rcached_event event{};
  event.op = op;
  event.domain = 0xffff888000001000;
  event.cpu = 3;
  event.time_ns = 42;
  event.pfn = 0x1000;
  event.size = 4;
  event.order = op == RCACHED_OP_RECLAIM ? 2 : RCACHED_ORDER_NONE;
  event.arg = 0x2000;
  if (op == RCACHED_OP_CPU_FLUSH) event.arg = 7;
  if (op == RCACHED_OP_RESERVE) event.size = 1;
  return event;
}

TEST(Translate, EveryOperationSurvivesTheRoundTrip) {
  for (std::uint8_t op = RCACHED_OP_ALLOC; op <= RCACHED_OP_LAST; ++op) {
    for (const unsigned flags :
         {0u, unsigned{RCACHED_FLAG_TREE}, unsigned{RCACHED_FLAG_FILL}, unsigned{RCACHED_FLAG_AFTER_LOSS},
          unsigned{RCACHED_FLAG_FILL} | RCACHED_FLAG_DEPOT_ONLY,
          unsigned{RCACHED_FLAG_FILL} | RCACHED_FLAG_OVERFLOW}) {
      rcached_event event = event_of(op);
      event.flags = static_cast<std::uint8_t>(flags);
      if ((flags & RCACHED_FLAG_FILL) != 0) event.depot = 5;
      if ((flags & RCACHED_FLAG_FILL) != 0 && (flags & RCACHED_FLAG_DEPOT_ONLY) == 0) {
        event.loaded = 127;
        event.prev = 3;
      }
      // These contain only time, domain and CPU for the model.
      if (op == RCACHED_OP_FREE || op == RCACHED_OP_TREE_FREE || op == RCACHED_OP_DOMAIN_PUT) event.arg = 0;
      const auto operation = to_operation(event);
      ASSERT_TRUE(operation) << int{op};
      const std::uint64_t granule = op == RCACHED_OP_DOMAIN_INIT ? event.arg : 0;
      const rcached_event back = to_event(*operation, event.domain, granule);
      EXPECT_EQ(std::memcmp(&back, &event, sizeof event), 0) << "op " << int{op} << " flags " << flags;
    }
  }
}

TEST(Translate, TheArgumentDependsOnTheOperation) {
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_ALLOC))->limit_pfn, 0x2000u);
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_TREE_ALLOC))->duration_ns, 0x2000u);
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_MAGAZINE_FREE))->duration_ns, 0x2000u);
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_RECLAIM))->duration_ns, 0x2000u);
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_FQ_DRAIN))->duration_ns, 0x2000u);
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_CPU_FLUSH))->target_cpu, 7u);
  EXPECT_EQ(to_operation(event_of(RCACHED_OP_RESERVE))->pfn_hi, 0x2000u);
}

TEST(Translate, CausesOfMagazineFrees) {
  rcached_event event = event_of(RCACHED_OP_MAGAZINE_FREE);
  for (const auto cause :
       {MagazineFreeCause::overflow, MagazineFreeCause::reclaim, MagazineFreeCause::flush}) {
    event.cause = static_cast<std::uint8_t>(cause);
    EXPECT_EQ(to_operation(event)->cause, cause);
    EXPECT_EQ(to_event(*to_operation(event), event.domain).cause, event.cause);
  }
}

TEST(Translate, RejectsMalformedEvents) {
  const auto refused = [](std::uint8_t op, auto change) {
    rcached_event event = event_of(op);
    EXPECT_TRUE(to_operation(event));
    change(event);
    return !to_operation(event).has_value();
  };
  EXPECT_TRUE(refused(RCACHED_OP_ALLOC, [](auto& e) { e.op = 0; }));
  EXPECT_TRUE(refused(RCACHED_OP_ALLOC, [](auto& e) { e.op = RCACHED_OP_LAST + 1; }));
  EXPECT_TRUE(refused(RCACHED_OP_ALLOC, [](auto& e) { e.op = 255; }));
  EXPECT_TRUE(refused(RCACHED_OP_ALLOC, [](auto& e) { e.cpu = RCACHED_MAX_CPUS; }));
  EXPECT_TRUE(refused(RCACHED_OP_ALLOC, [](auto& e) { e.domain = 0; }));
  EXPECT_TRUE(refused(RCACHED_OP_FREE, [](auto& e) { e.order = RCACHED_CACHED_ORDERS; }));
  EXPECT_TRUE(refused(RCACHED_OP_MAGAZINE_FREE, [](auto& e) { e.cause = 3; }));
  EXPECT_TRUE(refused(RCACHED_OP_CPU_FLUSH, [](auto& e) { e.arg = RCACHED_MAX_CPUS; }));
  EXPECT_TRUE(refused(RCACHED_OP_CPU_FLUSH, [](auto& e) { e.arg = std::uint64_t{1} << 32; }));
  EXPECT_TRUE(refused(RCACHED_OP_RECLAIM, [](auto& e) { e.order = RCACHED_ORDER_NONE; }));
  EXPECT_TRUE(refused(RCACHED_OP_RESERVE, [](auto& e) { e.arg = e.pfn - 1; }));
}

TEST(Translate, AnFqDrainNeedsNoDomain) {
  rcached_event event = event_of(RCACHED_OP_FQ_DRAIN);
  event.domain = 0;
  EXPECT_TRUE(to_operation(event));
}

TEST(Translate, AFailedReservationIsWellFormed) {
  rcached_event event = event_of(RCACHED_OP_RESERVE);
  EXPECT_FALSE(is_failed_reserve(event));
  event.size = 0;
  EXPECT_TRUE(to_operation(event));
  EXPECT_TRUE(is_failed_reserve(event));
}

}  // namespace
}  // namespace rcached
