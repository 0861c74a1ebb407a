// SPDX-License-Identifier: Apache-2.0
#include "view/view_slot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const View> numbered(std::uint64_t events) {
  View view;
  view.status.events = events;
  return std::make_shared<const View>(std::move(view));
}

TEST(ViewSlot, HoldsTheLatestView) {
  ViewSlot slot;
  EXPECT_EQ(slot.view(), nullptr);
  auto view = numbered(1);
  ASSERT_TRUE(slot.try_publish(view));
  EXPECT_EQ(view, nullptr) << "there was none before";
  EXPECT_EQ(slot.view()->status.events, 1u);
  view = numbered(2);
  ASSERT_TRUE(slot.try_publish(view));
  EXPECT_EQ(view->status.events, 1u) << "the previous View is returned, for the caller to free";
}

TEST(ViewSlot, WaitingEndsWithANewerViewOrTheLimitOrClose) {
  ViewSlot slot;
  slot.publish(numbered(1));
  const auto first = slot.view();
  EXPECT_EQ(slot.wait_for_newer(nullptr, testing::kHang), first) << "there is one already";
  EXPECT_EQ(slot.wait_for_newer(first, 1ms), first) << "the limit passed";

  std::thread publisher([&] { slot.publish(numbered(2)); });
  EXPECT_EQ(slot.wait_for_newer(first, testing::kHang)->status.events, 2u);
  publisher.join();

  const auto second = slot.view();
  std::thread closer([&] { slot.close(); });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(slot.wait_for_newer(second, 2 * testing::kHang), second);
  closer.join();
  EXPECT_EQ(slot.wait_for_newer(second, 2 * testing::kHang), second) << "later calls do not wait";
  EXPECT_LT(std::chrono::steady_clock::now() - begin, testing::kHang);
}

TEST(ViewSlot, ReadersSeeViewsInOrderWhileThePublisherNeverWaits) {
  constexpr std::uint64_t kViews = 20'000;
  ViewSlot slot;
  std::atomic<bool> in_order = true;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (std::uint64_t seen = 0; seen < kViews;) {
        const auto view = slot.view();
        const std::uint64_t now = view ? view->status.events : 0;
        if (now < seen) in_order = false;
        seen = now;
      }
    });
  }
  std::shared_ptr<const View> unpublished;
  for (std::uint64_t made = 0; made < kViews;) {
    // As in the pipeline: an unpublished View is retried, or replaced by a newer one.
    unpublished = numbered(++made);
    if (slot.try_publish(unpublished)) unpublished.reset();
  }
  while (unpublished && !slot.try_publish(unpublished)) {
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(slot.view()->status.events, kViews);
}

}  // namespace
}  // namespace rcached
