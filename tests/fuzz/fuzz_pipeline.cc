// SPDX-License-Identifier: Apache-2.0
// Records from the rings through the whole pipeline into /metrics. Records of 56 bytes; a record whose first
// reserved field is odd ends a drain.
#include <cstring>

#include "daemon/command/routes.h"
#include "daemon/testing/fake_source.h"
#include "daemon/testing/feed.h"
#include "tests/fuzz/support/exposition.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/kit/sample_view.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using testing_support::FakeSource;
  using testing_support::kKeyA;
  using testing_support::kKeyB;
  FakeSource source;
  source.domains = {{.key = kKeyA, .group = 4, .granule_bytes = 4096}};
  testing_support::Feed feed(source, [] {
    return std::vector<IommuGroup>{{4, "DMA-FQ", {{"0000:00:03.0", "nvme"}}}};
  });
  testing_support::Feed::TimePoint now{std::chrono::seconds(100)};
  for (std::size_t at = 0; at + sizeof(rcached_event) <= size; at += sizeof(rcached_event)) {
    rcached_event event;
    std::memcpy(&event, data + at, sizeof event);
    // Mostly of the two known domains.
    if (event.domain % 4 == 1) event.domain = kKeyA;
    if (event.domain % 4 == 2) event.domain = kKeyB;
    source.next.push_back(event);
    if (event.reserved[0] % 2 == 1) {
      now += std::chrono::milliseconds(event.reserved[1]);
      feed.drain(now);
    }
  }
  feed.flush(now);
  View view = feed.view();
  view.status.ready = true;
  const auto shown = std::make_shared<testing::SettableSource>(std::move(view));
  const auto page = std::make_shared<MetricsPage>(shown, MetricsOptions{.series = {.per_cpu = true}});
  for (const Route& route : standard_routes(shown, page)) {
    if (route.path != "/metrics") continue;
    const HttpResponse response =
        route.get({.method = "GET", .path = "/metrics", .parameter = "", .query = ""});
    const std::string text = (response.shared_body ? *response.shared_body : std::string()) + response.body;
    const std::string wrong = fuzz::find_exposition_error(text);
    check(response.status == 200 && wrong.empty(), "valid Prometheus text format", wrong);
  }
  return 0;
}
