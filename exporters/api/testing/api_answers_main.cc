// SPDX-License-Identifier: Apache-2.0
// Prints the API's responses to all kinds of requests for all kinds of Views, as one JSON array of
// {"case","path","request","status","content_type","body"}: input for api_test.py. With --openapi, prints the
// OpenAPI document instead.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "base/text.h"
#include "exporters/api/answers.h"
#include "exporters/api/api_routes.h"
#include "exporters/api/json.h"
#include "exporters/api/testing/fake_stream.h"
#include "exporters/http/route_table.h"
#include "tests/kit/sample_view.h"

namespace rcached {
namespace {

using nlohmann::json;
using testing::FakeStream;
using testing::SettableSource;

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte / 16], kDigits[byte % 16]};
  }
  return out;
}

// Domains in which each order has the fullest depot once, with values that the sample does not have.
View edges() {
  View view = testing::sample_view(kProfile61);
  const DomainSnapshot first = view.snapshot.domains[0];
  view.snapshot.domains.assign(kCachedOrders + 1, first);
  view.domains.clear();
  for (unsigned i = 0; i <= kCachedOrders; ++i) {
    DomainSnapshot& domain = view.snapshot.domains[i];
    domain.id = i + 1;
    for (unsigned order = 0; order < kCachedOrders; ++order) {
      domain.orders[order].depot_magazines = order == i ? 9 : 0;  // none in the last domain
    }
    DomainInfo& info = view.domains.emplace_back();
    info.id = i + 1;
    info.label = std::to_string(i);
  }
  view.snapshot.domains[0].confidence = Confidence::resynced;
  view.snapshot.domains[1].confidence = Confidence::partial;
  view.snapshot.domains[2].tree_allocation = view.snapshot.domains[2].depot_overflow = {};
  view.snapshot.domains[3].tree_allocation = {};
  view.snapshot.domains[3].tree_allocation.add(700);
  view.snapshot.domains[3].tree_allocation.add(900);
  view.snapshot.domains[4].tree_allocation = {};
  view.snapshot.domains[4].tree_allocation.add(200'000'000);
  view.snapshot.domains[5].memory->time_ns = view.snapshot.domains[5].space32->time_ns = 0;
  view.snapshot.domains[5].unaccounted = 12;
  view.kernel.profile.depot_capacity = 0;
  view.kernel.cpu_nodes = {-1};
  for (ProgramStatus& program : view.status.programs) program.runs = program.run_ns = 0;
  view.status.reader = {};
  view.status.ready = false;
  view.status.not_ready_reason = "attaching probes";
  History history = *view.history;
  for (const auto column :
       {&DomainHistory::tree_ranges, &DomainHistory::outstanding, &DomainHistory::cpu_cached,
        &DomainHistory::depot_cached, &DomainHistory::allocations_per_second,
        &DomainHistory::overflows_per_second, &DomainHistory::tree_allocation_mean_seconds}) {
    (history.domains[0].*column)[0] = history.domains[0].tree_allocation_p99_seconds[0];  // not a number
  }
  view.history = std::make_shared<const History>(std::move(history));
  return view;
}

// Domains exist, but no event has arrived yet.
View idle() {
  View view = testing::sample_view(kProfile61);
  view.snapshot.time_ns = 0;
  return view;
}

class Answers {
 public:
  // Sends every request to a source that may have no View.
  void add(const std::string& name, const std::shared_ptr<SettableSource>& source) {
    name_ = name;
    const RouteTable table(api_routes(source));
    std::vector<std::string> targets = {"/api/v1/domains/nowhere",      "/api/v1/domains/nowhere/history",
                                        "/api/v1/domains/%zz",          "/api/v1/domains/%zz/history",
                                        "/api/v1/notes?after=7",        "/api/v1/notes?after=x",
                                        "/api/v1/stream?domain=nowhere"};
    for (const char* path : {"domains", "status", "notes", "stream", "openapi.json"}) {
      targets.push_back(std::string("/api/v1/") + path);
      targets.push_back(targets.back() + "?unknown=1");
    }
    if (const auto view = source->view()) {
      for (const DomainInfo& info : view->domains) {
        const std::string label = percent_encoded(valid_utf8(info.label));
        targets.push_back("/api/v1/domains/" + label);
        targets.push_back("/api/v1/domains/" + label + "/history");
        targets.push_back("/api/v1/stream?domain=" + label);
      }
    }
    for (const std::string& target : targets) ask(table, target, source->view() != nullptr);
  }

  // A response that a running process never gives: its process figures are unreadable.
  void add_blind_status() {
    record("blind", "/api/v1/status", "/api/v1/status", 200, "application/json",
           api::to_json(api::status_answer(testing::sample_view(kProfile61), {})));
  }

  const json& list() const { return list_; }

 private:
  void ask(const RouteTable& table, std::string_view target, bool has_view) {
    HttpRequest request;
    request.method = "GET";
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    request.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    const RouteTable::Match match = table.find(request.path);
    request.parameter = match.parameter;
    const HttpResponse response = match.route->get(request);
    if (response.stream && !has_view) return;  // would wait for one
    std::string body = (response.shared_body ? *response.shared_body : std::string()) + response.body;
    if (response.stream) {
      const bool with_domain = !request.query.empty();
      FakeStream stream;
      std::thread serving([&] { response.stream(stream); });
      stream.wait_for([&](const std::string& text) {
        const auto last = text.find(with_domain ? "event: domain" : "event: snapshot");
        return last != std::string::npos && text.find("\n\n", last) != std::string::npos;
      });
      stream.close();
      serving.join();
      body = stream.text();
    }
    record(name_, match.route->path, std::string(target), response.status, response.content_type, body);
  }

  void record(const std::string& name, const std::string& path, const std::string& target, int status,
              const std::string& type, const std::string& body) {
    list_.push_back({{"case", name},
                     {"path", path},
                     {"request", target},
                     {"status", status},
                     {"content_type", type},
                     {"body", body}});
  }

  std::string name_;
  json list_ = json::array();
};

}  // namespace
}  // namespace rcached

int main(int argc, char** argv) {
  using namespace rcached;
  if (argc == 2 && std::string_view(argv[1]) == "--openapi") {
    std::cout << api::openapi_document() << '\n';
    return std::cout ? 0 : 1;
  }
  Answers answers;
  answers.add("before the first view", std::make_shared<SettableSource>());
  answers.add("empty", std::make_shared<SettableSource>(View{}));
  answers.add("idle", std::make_shared<SettableSource>(idle()));
  answers.add("bounded", std::make_shared<SettableSource>(testing::sample_view(kProfile61)));
  answers.add("unbounded", std::make_shared<SettableSource>(testing::sample_view(kProfile612)));
  answers.add("hostile", std::make_shared<SettableSource>(testing::hostile_view()));
  answers.add("edges", std::make_shared<SettableSource>(edges()));
  answers.add_blind_status();
  std::cout << answers.list().dump() << '\n';  // throws for a body that is not valid UTF-8
  return std::cout ? 0 : 1;
}
