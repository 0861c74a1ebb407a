// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/shared_bodies.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/text.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/waiting.h"

namespace rcached::api {
namespace {

using namespace std::chrono_literals;
using testing::hostile_view;
using testing::sample_view;
using testing::SettableSource;

TEST(SharedBodies, BeforeTheFirstViewThereAreNone) {
  SharedBodies bodies(std::make_shared<SettableSource>());
  EXPECT_EQ(bodies.current(), nullptr);
  EXPECT_EQ(bodies.wait_for_newer(nullptr, 1ms), nullptr);
}

TEST(SharedBodies, AViewIsRenderedOnceForAll) {
  SharedBodies bodies(std::make_shared<SettableSource>(sample_view(kProfile61)));
  const auto first = bodies.current();
  const auto second = bodies.current();
  EXPECT_EQ(first, second);
  EXPECT_EQ(first->domains(), second->domains());
  EXPECT_EQ(first->status(), second->status());
  EXPECT_EQ(first->notes(), second->notes());
  EXPECT_EQ(first->snapshot_event(), second->snapshot_event());
  EXPECT_EQ(first->domain(first->named()[1]), second->domain(second->named()[1]));
  EXPECT_NE(first->domain(first->named()[0]), first->domain(first->named()[1]));
}

TEST(SharedBodies, ANewViewHasANewNumberAndNewBodies) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  SharedBodies bodies(source);
  const auto first = bodies.current();
  EXPECT_EQ(bodies.wait_for_newer(first, 1ms), first) << "nothing newer yet";
  View changed = sample_view(kProfile61);
  changed.status.ready = false;
  source->publish(changed);
  const auto second = bodies.wait_for_newer(first, testing::kHang);
  EXPECT_EQ(first->number(), 1u);
  EXPECT_EQ(second->number(), 2u);
  EXPECT_NE(*first->domains(), *second->domains());
  EXPECT_NE(first->domains()->find("\"ready\":true"), std::string::npos) << "the old bodies are unchanged";
}

TEST(SharedBodies, AnUnrequestedViewIsNotKept) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  SharedBodies bodies(source);
  const std::weak_ptr<const View> unseen = source->view();
  source->publish(sample_view(kProfile612));
  EXPECT_TRUE(unseen.expired());
  EXPECT_EQ(bodies.current()->number(), 1u) << "only requested Views are numbered";
  const std::weak_ptr<const View> seen = source->view();
  source->publish(sample_view(kProfile61));
  ASSERT_NE(bodies.current(), nullptr);
  EXPECT_TRUE(seen.expired()) << "the last View is released when a newer one is requested";
}

TEST(SharedBodies, DomainsAreFoundByTheirLabelAsValidUtf8) {
  SharedBodies bodies(std::make_shared<SettableSource>(hostile_view()));
  const auto current = bodies.current();
  const std::string label = current->named()[1].info.label;
  ASSERT_NE(label, valid_utf8(label));
  EXPECT_EQ(current->find(label), &current->named()[1]);
  EXPECT_EQ(current->find(valid_utf8(label)), &current->named()[1]);
  EXPECT_EQ(current->find("4"), nullptr);
  EXPECT_EQ(current->find(""), nullptr);
}

TEST(SharedBodies, ManyThreadsShareOneRenderingWhileViewsChange) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  SharedBodies bodies(source);
  constexpr int kThreads = 4;
  constexpr int kViews = 50;
  std::mutex mutex;
  std::map<std::uint64_t, std::set<const std::string*>> seen;  // addresses of bodies by number
  std::vector<std::shared_ptr<const ViewBodies>> kept;         // so that no address is reused
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      std::uint64_t last = 0;
      bool final_round = false;
      do {
        final_round = over;
        const auto current = bodies.current();
        const std::string* body = current->snapshot_event().get();
        EXPECT_GE(current->number(), last);
        last = current->number();
        const std::lock_guard lock(mutex);
        seen[current->number()].insert(body);
        kept.push_back(current);
      } while (!final_round);
    });
  }
  for (int i = 0; i < kViews; ++i) {
    source->publish(sample_view(kProfile61));
    ASSERT_NE(bodies.current(), nullptr);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  for (const auto& [number, addresses] : seen) EXPECT_EQ(addresses.size(), 1u) << number;
  EXPECT_EQ(seen.rbegin()->first, bodies.current()->number());
}

}  // namespace
}  // namespace rcached::api
