// SPDX-License-Identifier: Apache-2.0
#include "exporters/prometheus/metrics_page.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "exporters/testing/sample_view.h"

namespace rcached {
namespace {

using testing::sample_view;
using testing::SettableSource;

TEST(MetricsPage, HasNoBodyBeforeTheFirstView) {
  MetricsPage page(std::make_shared<SettableSource>());
  EXPECT_EQ(page.body(), nullptr);
}

TEST(MetricsPage, AViewIsRenderedOnceAndANewViewAnew) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  const auto first = page.body();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(page.body(), first);
  View next = sample_view(kProfile61);
  next.status.events = 654321;
  source->publish(next);
  const auto second = page.body();
  EXPECT_NE(second, first);
  EXPECT_NE(second->find("rcached_events_total 654321\n"), std::string::npos);
  EXPECT_NE(first->find("rcached_events_total 123456\n"), std::string::npos)
      << "the old body must not change";
}

TEST(MetricsPage, ConcurrentCallersGetWholeAndEverNewerViews) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  MetricsPage page(source);
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  readers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      unsigned long newest = 0;
      do {
        const auto body = page.body();
        const auto at = body->find("\nrcached_events_total ");
        ASSERT_NE(at, std::string::npos);
        const unsigned long events = std::stoul(body->substr(at + 22));
        EXPECT_GE(events, newest);
        newest = events;
        EXPECT_EQ(body->back(), '\n');
      } while (!done);
    });
  }
  View view = sample_view(kProfile61);
  for (int i = 0; i < 50; ++i) {
    ++view.status.events;
    source->publish(view);
    std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

// promtool check metrics: exit status and everything it printed.
std::pair<int, std::string> promtool(const std::string& metrics) {
  const auto base =
      std::filesystem::temp_directory_path() / ("rcached-promtool-" + std::to_string(::getpid()));
  const std::string in = base.string() + ".prom";
  const std::string out = base.string() + ".out";
  std::ofstream(in) << metrics;
  const int status =
      std::system(("'" RCACHED_PROMTOOL "' check metrics <'" + in + "' >'" + out + "' 2>&1").c_str());
  std::ifstream file(out);
  std::string printed{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(in);
  std::filesystem::remove(out);
  return {status, std::move(printed)};
}

TEST(Promtool, FindsNothingToSayAboutAnyView) {
  View per_cpu = sample_view(kProfile510);
  per_cpu.status.per_cpu_series = true;
  View unknown = sample_view(kProfile612);
  unknown.kernel.online_cpus = 0;
  for (const View& view : {sample_view(kProfile61), sample_view(kProfile612), per_cpu, unknown, View{},
                           testing::hostile_view()}) {
    const auto [status, printed] = promtool(render_metrics(view) + render_process_metrics());
    EXPECT_EQ(status, 0);
    EXPECT_EQ(printed, "");
  }
}

TEST(Promtool, WouldSpeakUp) {  // the check above can fail
  EXPECT_NE(promtool("# TYPE a counter\na{b=\"\xff\"} 1\n").first, 0);
  EXPECT_NE(promtool("# TYPE a counter\na 1\n").second, "");
}

}  // namespace
}  // namespace rcached
