// SPDX-License-Identifier: Apache-2.0
// Names that rcached does not control: devices, drivers, kernels, group types. One per line, up to eight; the
// rest is ignored. Every page stays well-formed.
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/command/routes.h"
#include "tests/fuzz/support/exposition.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/kit/sample_view.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  View view = testing::sample_view(kProfile61);
  DomainInfo& domain = view.domains[0];
  for (std::string* name :
       {&domain.type, &domain.devices, &domain.driver, &view.kernel.release, &view.status.version,
        &view.status.mode, &view.status.programs[0].function, &view.status.programs[0].method}) {
    *name = fuzz::take_line(text);
  }
  view.status.not_ready_reason = view.status.mode;
  view.status.ready = false;
  for (const Route& route : standard_routes(std::make_shared<testing::SettableSource>(std::move(view)))) {
    if (route.path.find('{') != std::string::npos) continue;
    const HttpResponse response =
        route.get({.method = "GET", .path = route.path, .parameter = "", .query = ""});
    if (response.stream) continue;
    const std::string body = (response.shared_body ? *response.shared_body : std::string()) + response.body;
    check(fuzz::is_utf8(body) || route.path == "/-/ready", "every page is UTF-8", route.path);
    if (response.content_type.starts_with("application/json")) {
      check(nlohmann::json::accept(body), "valid JSON", body);
    }
    if (route.path != "/metrics") continue;
    const std::string wrong = fuzz::find_exposition_error(body);
    check(wrong.empty(), "valid Prometheus text format", wrong);
  }
  return 0;
}
