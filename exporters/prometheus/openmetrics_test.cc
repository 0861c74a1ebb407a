// SPDX-License-Identifier: Apache-2.0
// Checks the OpenMetrics output with a strict third-party parser: prometheus_client's.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "exporters/prometheus/metrics_page.h"
#include "tests/kit/paths.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/samples.h"

namespace rcached {
namespace {

using testing::sample_view;
using testing::SettableSource;

// Exit status and everything that openmetrics_check.py printed.
std::pair<int, std::string> check(const std::string& metrics) {
  const auto base =
      std::filesystem::temp_directory_path() / ("rcached-openmetrics-" + std::to_string(::getpid()));
  const std::string in = base.string() + ".om";
  const std::string out = base.string() + ".out";
  std::ofstream(in) << metrics;
  const int status =
      std::system(("'" RCACHED_PYTHON "' '" RCACHED_SOURCE_DIR "/tests/kit/openmetrics_check.py' <'" + in +
                   "' >'" + out + "' 2>&1")
                      .c_str());
  std::ifstream file(out);
  std::string printed{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(in);
  std::filesystem::remove(out);
  return {status, std::move(printed)};
}

TEST(OpenMetrics, AStrictParserAcceptsEveryView) {
  View unknown = sample_view(kProfile612);
  unknown.kernel.online_cpus = 0;
  for (const View& view : {sample_view(kProfile510), sample_view(kProfile61), sample_view(kProfile612),
                           unknown, View{}, testing::hostile_view()}) {
    for (const SeriesSettings& settings :
         {SeriesSettings{}, SeriesSettings{.per_cpu = true, .per_magazine = true},
          SeriesSettings{.per_cpu = true, .per_magazine = true, .limit = 100}}) {
      MetricsPage page(std::make_shared<SettableSource>(view), {.series = settings});
      const auto text = page.text(MetricsFormat::openmetrics);
      const std::string whole = *text->view + text->own;
      const auto [status, printed] = check(whole);
      EXPECT_EQ(status, 0) << printed;
      EXPECT_EQ(printed, std::to_string(testing::Samples(whole).series()) + " samples\n");
    }
  }
}

TEST(OpenMetrics, TheParserRejectsInvalidText) {  // so the check above can fail
  const std::string good =
      "# HELP a_seconds A.\n# TYPE a_seconds histogram\n# UNIT a_seconds "
      "seconds\na_seconds_bucket{le=\"1e-05\"} 1\n"
      "a_seconds_bucket{le=\"+Inf\"} 2\na_seconds_sum 3\na_seconds_count 2\n# EOF\n";
  EXPECT_EQ(check(good), std::make_pair(0, std::string("4 samples\n")));
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"# EOF\n", ""},
                                 {"# UNIT a_seconds seconds", "# UNIT a_seconds bytes"},
                                 {"le=\"+Inf\"", "le=\"9.0\""},
                                 {"_count 2", "_count 3"},
                                 {"_sum 3", "_sum -3"},
                                 {"# TYPE a_seconds histogram\n", "# TYPE a_seconds histogram\n\n"}}) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_NE(check(bad).first, 0) << bad;
  }
}

}  // namespace
}  // namespace rcached
