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
#include "exporters/textfile/textfile_writer.h"
#include "tests/kit/http_client.h"
#include "tests/kit/sample_view.h"

namespace {

using rcached::HttpOptions;
using rcached::HttpResponse;
using rcached::HttpServer;
using rcached::Route;
using rcached::View;

View fixture_view(const rcached::KernelProfile& profile) {
  View view = rcached::testing::sample_view(profile);
  view.status.per_cpu_series = true;
  view.status.per_magazine_series = true;
  return view;
}

std::vector<Route> routes_of(View view) {
  return rcached::standard_routes(std::make_shared<rcached::testing::SettableSource>(std::move(view)));
}

// What a scrape of /metrics in the text format gives.
std::shared_ptr<const std::string> scrape(const std::vector<Route>& routes) {
  for (const Route& route : routes) {
    if (route.path != "/metrics") continue;
    const HttpResponse response =
        route.get({.method = "GET", .path = route.path, .parameter = "", .query = ""});
    return std::make_shared<const std::string>(
        (response.shared_body ? *response.shared_body : std::string()) + response.body);
  }
  return nullptr;
}

// Null, and says why, when it cannot listen.
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
  const std::vector<Route> bounded = routes_of(fixture_view(rcached::kProfile61));
  const std::vector<Route> unbounded = routes_of(fixture_view(rcached::kProfile612));
  View view = fixture_view(rcached::kProfile61);
  view.status.series_limit = 300;
  const std::vector<Route> limited = routes_of(std::move(view));

  std::optional<rcached::TextfileWriter> textfile;
  if (argc > 1) {
    rcached::TextfileOptions options;
    options.path = argv[1];
    options.interval = std::chrono::seconds(1);
    options.text = [&bounded] { return scrape(bounded); };
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
