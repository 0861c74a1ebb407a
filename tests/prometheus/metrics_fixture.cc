// SPDX-License-Identifier: Apache-2.0
// metrics-fixture [TEXTFILE]: serves the exporters' sample views over the real routes and the real server,
// one for each kind of depot, because no single host has every metric: losses, repairs and the other kernel
// generation. With TEXTFILE the first view is also written there for node_exporter. Prints "NAME URL" for
// each view once all are served, and ends when its standard input does.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/command/routes.h"
#include "exporters/http/http_server.h"
#include "exporters/prometheus/metrics_page.h"
#include "exporters/textfile/textfile_writer.h"
#include "tests/kit/http_client.h"
#include "tests/kit/sample_view.h"

namespace {

using rcached::HttpOptions;
using rcached::HttpServer;
using rcached::MetricsPage;
using rcached::Route;

std::shared_ptr<MetricsPage> page_of(const rcached::KernelProfile& profile, std::uint64_t limit) {
  const auto source =
      std::make_shared<rcached::testing::SettableSource>(rcached::testing::sample_view(profile));
  return std::make_shared<MetricsPage>(
      source, rcached::MetricsOptions{.series = {.per_cpu = true, .per_magazine = true, .limit = limit}});
}

std::vector<Route> routes_of(const rcached::KernelProfile& profile,
                             const std::shared_ptr<MetricsPage>& page) {
  return rcached::standard_routes(
      std::make_shared<rcached::testing::SettableSource>(rcached::testing::sample_view(profile)), page);
}

// Returns null after printing the error if it cannot listen.
std::unique_ptr<HttpServer> serve(const char* name, const std::vector<Route>& routes) {
  HttpOptions options;
  options.listen = "127.0.0.1:" + std::to_string(rcached::testing::free_port());
  auto server = std::make_unique<HttpServer>(options, routes);
  if (auto started = server->start(); !started) {
    std::fprintf(stderr, "metrics-fixture: %s; %s\n", started.error().message.c_str(),
                 started.error().hint.c_str());
    return nullptr;
  }
  std::printf("%s %smetrics\n", name, server->url().c_str());
  return server;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint64_t kLimit = 50'000;
  const auto bounded_page = page_of(rcached::kProfile61, kLimit);
  const auto bounded = routes_of(rcached::kProfile61, bounded_page);
  const auto unbounded = routes_of(rcached::kProfile612, page_of(rcached::kProfile612, kLimit));
  const auto limited = routes_of(rcached::kProfile61, page_of(rcached::kProfile61, 300));

  std::optional<rcached::TextfileWriter> textfile;
  if (argc > 1) {
    rcached::TextfileOptions options;
    options.path = argv[1];
    options.interval = std::chrono::seconds(1);
    options.text = [&bounded_page]() -> std::vector<std::shared_ptr<const std::string>> {
      auto text = bounded_page->text(rcached::MetricsFormat::text, rcached::kNotInTextfile);
      return {text->view, std::make_shared<const std::string>(std::move(text->own))};
    };
    options.on_failure = [](const rcached::Error& error) {
      std::fprintf(stderr, "metrics-fixture: %s; %s\n", error.message.c_str(), error.hint.c_str());
    };
    textfile.emplace(std::move(options));
    if (auto started = textfile->start(); !started) {
      std::fprintf(stderr, "metrics-fixture: %s; %s\n", started.error().message.c_str(),
                   started.error().hint.c_str());
      return 1;
    }
  }

  const auto first = serve("fixture-bounded", bounded);
  const auto second = serve("fixture-unbounded", unbounded);
  const auto third = serve("fixture-limited", limited);
  if (first == nullptr || second == nullptr || third == nullptr) return 1;
  std::fflush(stdout);
  char ignored[256];
  while (::read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
  }
  return 0;
}
