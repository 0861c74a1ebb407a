// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/api_routes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "base/version.h"
#include "exporters/api/testing/fake_stream.h"
#include "exporters/http/http_server.h"
#include "exporters/http/route_table.h"
#include "tests/kit/http_client.h"
#include "tests/kit/sample_view.h"

namespace rcached {
namespace {

using nlohmann::json;
using testing::FakeStream;
using testing::hostile_view;
using testing::sample_view;
using testing::SettableSource;

// All paths except the stream and the document, which need no View.
const std::vector<std::string> kPathsOfAView = {
    "/api/v1/domains", "/api/v1/domains/4", "/api/v1/domains/4/history", "/api/v1/status", "/api/v1/notes"};

class ApiRoutesTest : public ::testing::Test {
 protected:
  HttpResponse get(std::string_view target) const {
    HttpRequest request;
    request.method = "GET";
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    request.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    const RouteTable::Match match = table_.find(request.path);
    request.parameter = match.parameter;
    if (match.route == nullptr) {
      ADD_FAILURE() << "no route for " << target;
      return {};
    }
    return match.route->get(request);
  }
  static std::string text(const HttpResponse& response) {
    return (response.shared_body ? *response.shared_body : std::string()) + response.body;
  }
  // The JSON body of a response with this status.
  json body(std::string_view target, int status = 200) const {
    const HttpResponse response = get(target);
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.content_type, "application/json") << target;
    EXPECT_EQ(response.stream, nullptr) << target;
    return json::parse(text(response));
  }
  std::string message(std::string_view target, int status) const {
    const json error = body(target, status);
    EXPECT_EQ(error.size(), 1u);
    EXPECT_EQ(error["error"].size(), 2u);
    EXPECT_NE(error["error"]["hint"], "");
    return error["error"]["message"];
  }

  std::shared_ptr<SettableSource> source_ = std::make_shared<SettableSource>();
  RouteTable table_{api_routes(source_)};
};

TEST_F(ApiRoutesTest, BeforeTheFirstViewTheStatusIs503) {
  for (const std::string& path : kPathsOfAView) {
    EXPECT_EQ(message(path, 503), "rcached is starting: no snapshot has been taken yet") << path;
  }
  EXPECT_EQ(get("/api/v1/openapi.json").status, 200);
}

TEST_F(ApiRoutesTest, EveryPathReturnsItsBody) {
  source_->publish(sample_view(kProfile61));
  EXPECT_EQ(body("/api/v1/domains")["domains"].size(), 2u);
  EXPECT_EQ(body("/api/v1/domains/4")["domain"]["domain"], "4");
  EXPECT_EQ(body("/api/v1/domains/iovad-2")["domain"]["domain"], "iovad-2");
  EXPECT_EQ(body("/api/v1/domains/4/history")["tree"], json({100, 200, 300}));
  EXPECT_EQ(body("/api/v1/domains/iovad-2/history")["tree"], json::array());
  EXPECT_EQ(body("/api/v1/status")["events"]["applied"], 123'456);
  EXPECT_EQ(body("/api/v1/notes")["notes"].size(), 2u);
}

TEST_F(ApiRoutesTest, BodiesOfAViewAreShared) {
  source_->publish(sample_view(kProfile61));
  for (const char* path : {"/api/v1/domains", "/api/v1/status", "/api/v1/notes", "/api/v1/domains/4"}) {
    const auto first = get(path).shared_body;
    ASSERT_NE(first, nullptr) << path;
    EXPECT_EQ(get(path).shared_body, first) << path;
    source_->publish(sample_view(kProfile61));
    EXPECT_NE(get(path).shared_body, first) << path;
  }
}

TEST_F(ApiRoutesTest, TheHintForAnUnknownDomainListsTheKnownOnes) {
  source_->publish(sample_view(kProfile61));
  for (const std::string path : {"/api/v1/domains/5", "/api/v1/domains/5/history"}) {
    EXPECT_EQ(message(path, 404), "this host has no domain \"5\"");
    EXPECT_EQ(body(path, 404)["error"]["hint"],
              "use one of \"4\", \"iovad-2\"; /api/v1/domains lists all of them");
  }
  EXPECT_LT(text(get("/api/v1/domains/" + std::string(8000, 'x'))).size(), 400u)
      << "the requested label is truncated";
}

TEST_F(ApiRoutesTest, TheListOfKnownDomainsIsBounded) {
  View view;
  for (std::uint64_t id = 1; id <= 500; ++id) {
    view.snapshot.domains.emplace_back().id = id;
    DomainInfo& info = view.domains.emplace_back();
    info.id = id;
    info.label = std::string(1000, 'd') + std::to_string(id);
  }
  source_->publish(view);
  const std::string hint = body("/api/v1/domains/5", 404)["error"]["hint"];
  EXPECT_LT(hint.size(), 1500u);
  EXPECT_NE(hint.find(" and 484 more;"), std::string::npos) << hint;
  source_->publish(View{});
  EXPECT_EQ(body("/api/v1/domains/5", 404)["error"]["hint"],
            "no domain has been seen yet: one appears with its first mapping");
}

TEST_F(ApiRoutesTest, LabelsInPathsAreDecoded) {
  View view = sample_view(kProfile61);
  view.domains[0].label = "a/b c%\xff";
  source_->publish(view);
  EXPECT_EQ(body("/api/v1/domains/a%2Fb%20c%25%EF%BF%BD")["domain"]["domain"], "a/b c%\xef\xbf\xbd");
  EXPECT_EQ(body("/api/v1/domains/a%2fb%20c%25%ff/history")["domain"], "a/b c%\xef\xbf\xbd");
  EXPECT_EQ(message("/api/v1/domains/4%4", 400), "the path has a '%' without two hexadecimal digits");
}

TEST_F(ApiRoutesTest, NotesAfterANumber) {
  source_->publish(sample_view(kProfile61));
  EXPECT_EQ(body("/api/v1/notes?after=7")["notes"].size(), 1u);
  EXPECT_EQ(body("/api/v1/notes?after=8")["notes"].size(), 0u);
  EXPECT_EQ(message("/api/v1/notes?after=x", 400), "\"after\" is the number of a note, not \"x\"");
  EXPECT_EQ(message("/api/v1/notes?after=", 400), "\"after\" is the number of a note, not \"\"");
  EXPECT_EQ(message("/api/v1/notes?after=-1", 400), "\"after\" is the number of a note, not \"-1\"");
}

TEST_F(ApiRoutesTest, ABadQueryIsRejectedOnEveryPath) {
  source_->publish(sample_view(kProfile61));
  std::vector<std::string> paths = kPathsOfAView;
  paths.insert(paths.end(), {"/api/v1/stream", "/api/v1/openapi.json"});
  for (const std::string& path : paths) {
    EXPECT_EQ(message(path + "?verbose=1", 400).find("unknown query parameter \"verbose\""), 0u) << path;
  }
}

TEST_F(ApiRoutesTest, TheStreamContainsTheRequestedDomain) {
  source_->publish(sample_view(kProfile61));
  const HttpResponse response = get("/api/v1/stream?domain=iovad%2D2");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/event-stream");
  ASSERT_NE(response.stream, nullptr);
  FakeStream out;
  std::thread serving([&] { response.stream(out); });
  EXPECT_TRUE(out.wait_for("event: domain\ndata: {\"time\":1700000001.0,\"domain\":{\"domain\":\"iovad-2\""));
  out.close();
  serving.join();
}

TEST_F(ApiRoutesTest, TheStreamOpensBeforeTheFirstView) {
  EXPECT_EQ(get("/api/v1/stream").status, 200);
  EXPECT_NE(get("/api/v1/stream").stream, nullptr);
}

TEST_F(ApiRoutesTest, TheDocumentHasThisVersionAndEveryRoute) {
  const json document = body("/api/v1/openapi.json");
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_EQ(document["info"]["version"], RCACHED_VERSION);
  ASSERT_EQ(document["paths"].size(), table_.routes().size());
  for (const Route& route : table_.routes())
    EXPECT_TRUE(document["paths"].contains(route.path)) << route.path;
}

TEST_F(ApiRoutesTest, HostileNamesAreValidJsonOnEveryPath) {
  source_->publish(hostile_view());
  const std::string label = body("/api/v1/domains")["domains"][0]["domain"];
  EXPECT_EQ(label, valid_utf8(source_->view()->domains[0].label));
  for (const char* path : {"/api/v1/status", "/api/v1/notes"}) body(path);
  EXPECT_EQ(message("/api/v1/domains/%ff%0a%22", 404), "this host has no domain \"\xef\xbf\xbd?\"\"");
  std::string encoded;
  for (const char c : label) encoded += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  EXPECT_EQ(body("/api/v1/domains/" + encoded)["domain"]["domain"], label);
  EXPECT_EQ(body("/api/v1/domains/" + encoded + "/history")["domain"], label);
}

TEST(ApiOverHttp, PathsAndStreamWorkThroughTheServer) {
  const auto source = std::make_shared<SettableSource>(sample_view(kProfile61));
  const std::uint16_t port = testing::free_port();
  HttpServer server({.listen = "127.0.0.1:" + std::to_string(port)}, api_routes(source));
  ASSERT_TRUE(server.start());
  const auto domain = testing::get(port, "/api/v1/domains/iovad-2");
  EXPECT_EQ(domain.status, 200);
  EXPECT_EQ(domain.headers.at("content-type"), "application/json");
  EXPECT_EQ(domain.headers.at("cache-control"), "no-store");
  EXPECT_EQ(json::parse(domain.body)["domain"]["domain"], "iovad-2");
  EXPECT_EQ(json::parse(testing::get(port, "/api/v1/domains/4/history").body)["first"], 1'699'999'980);
  EXPECT_EQ(testing::get(port, "/api/v1/domains/9").status, 404);

  testing::RawConnection client(port);
  client.send("GET /api/v1/stream?domain=4 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string first = client.read_until("event: domain");
  EXPECT_NE(first.find("Content-Type: text/event-stream\r\n"), std::string::npos) << first;
  EXPECT_NE(first.find("\r\n\r\nretry: 2000\n\nid: 1\nevent: snapshot\ndata: {"), std::string::npos) << first;
  source->publish(sample_view(kProfile612));
  EXPECT_NE(client.read_until("id: 2\nevent: domain").find("id: 2\nevent: snapshot"), std::string::npos);
  server.stop();
  client.read_all();  // ended by server.stop()
}

}  // namespace
}  // namespace rcached
