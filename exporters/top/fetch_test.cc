// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/fetch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "exporters/top/poller.h"
#include "exporters/top/testing/sample_data.h"

namespace rcached::top {
namespace {

// Answers as it is told, and remembers what it was asked.
class Scripted final : public JsonSource {
 public:
  Scripted() : real_(testing::client_of(rcached::testing::sample_view(kProfile61))) {}
  Fetched get(const std::string& path) override {
    asked.push_back(path);
    const auto found = answers.find(path);
    return found == answers.end() ? real_.get(path)
                                  : judge_answer(found->second.first, found->second.second, "http://x");
  }
  void cancel() override {}

  std::map<std::string, std::pair<int, std::string>> answers;
  std::vector<std::string> asked;

 private:
  LocalClient real_;
};

TEST(Fetch, TakesWhatAScreenNeeds) {
  Scripted source;
  const auto picture = fetch_top(source, "");
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->data.domains.domains.size(), 2u);
  EXPECT_EQ(picture->data.notes.size(), 2u);
  EXPECT_FALSE(picture->data.detail || picture->data.history);
  EXPECT_EQ(source.asked, (std::vector<std::string>{"/api/v1/domains", "/api/v1/status", "/api/v1/notes"}));
  const auto with_domain = fetch_top(source, "4");
  EXPECT_EQ(with_domain->data.detail->domain.label, "4");
  EXPECT_EQ(with_domain->data.history->tree.size(), 3u);
}

TEST(Fetch, ADomainThatHasGoneIsNoError) {
  Scripted source;
  const auto picture = fetch_top(source, "nobody/../x y");
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_FALSE(picture->data.detail);
  EXPECT_EQ(source.asked.back(), "/api/v1/domains/nobody%2F..%2Fx%20y");
}

TEST(Fetch, AnswersOfDifferentSnapshotsAreAskedForAgain) {
  for (const char* path : {"/api/v1/status", "/api/v1/notes", "/api/v1/domains/4"}) {
    Scripted source;
    auto later = nlohmann::ordered_json::parse(*source.get(path));
    later["time"] = later["time"].get<double>() + 1;
    source.answers[path] = {200, later.dump()};
    source.asked.clear();
    ASSERT_TRUE(fetch_top(source, "4"));
    EXPECT_EQ(source.asked.size(), 15u) << path;  // three times, then it takes them as they are
  }
}

TEST(Fetch, ErrorsNameThePathAndTheMend) {
  Scripted source;
  source.answers["/api/v1/status"] = {200, "{\"time\":1}"};
  auto picture = fetch_top(source, "");
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::bad_answer);
  EXPECT_EQ(picture.error().message, "/api/v1/status cannot be understood: version is missing");
  source.answers["/api/v1/domains"] = {503, R"({"error":{"message":"it starts","hint":"wait"}})"};
  picture = fetch_top(source, "");
  EXPECT_EQ(picture.error().code, ErrorCode::not_ready);
  EXPECT_EQ(picture.error().message, "http://x says: it starts");
  EXPECT_EQ(picture.error().hint, "wait");
}

TEST(Fetch, StatusesMeanWhatTheyMean) {
  const auto kind = [](int status) { return judge_answer(status, "<html>", "http://x").error().code; };
  EXPECT_EQ(*judge_answer(200, "x", ""), "x");
  EXPECT_EQ(kind(401), ErrorCode::permission);
  EXPECT_EQ(kind(403), ErrorCode::permission);
  EXPECT_EQ(kind(404), ErrorCode::not_found);
  EXPECT_EQ(kind(429), ErrorCode::refused);
  EXPECT_EQ(kind(503), ErrorCode::not_ready);
  EXPECT_EQ(kind(500), ErrorCode::refused);
  EXPECT_EQ(kind(301), ErrorCode::refused);
  EXPECT_NE(judge_answer(401, "", "http://x").error().hint.find("RCACHED_PASSWORD"), std::string::npos);
}

TEST(Fetch, BeforeTheFirstViewItIsNotReady) {
  LocalClient client(api_routes(std::make_shared<const rcached::testing::SettableSource>()));
  const auto picture = fetch_top(client, "");
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::not_ready);
}

TEST(Fetch, JsonLineIsOneLineOfAscii) {
  View view = rcached::testing::hostile_view();
  view.domains[0].devices = "\x7f\xc2\x9b\xe2\x80\xa8";
  LocalClient client = testing::client_of(view);
  const auto picture = fetch_top(client, "");
  ASSERT_TRUE(picture);
  const std::string line = json_line(picture->bodies);
  for (const char c : line) ASSERT_TRUE(c >= 0x20 && c < 0x7f);
  const auto json = nlohmann::ordered_json::parse(line);
  EXPECT_EQ(json["domains"]["domains"].size(), 2u);
  EXPECT_EQ(json["status"]["mode"], nlohmann::ordered_json::parse(picture->bodies.status)["mode"]);
  EXPECT_EQ(json["notes"]["notes"].size(), 2u);
  EXPECT_FALSE(json.contains("domain"));
}

TEST(LocalClient, MatchesRoutesAsTheServerDoes) {
  std::string got;
  const auto answer = [&got](std::string body) {
    return [&got, body](const HttpRequest& request) {
      got = request.parameter;
      HttpResponse response;
      response.body = body;
      return response;
    };
  };
  LocalClient client({{"/a", "", answer("a")}, {"/a/{x}", "", answer("one")}, {"/a/{x}/b", "", answer("b")}});
  EXPECT_EQ(*client.get("/a"), "a");
  EXPECT_EQ(*client.get("/a/7%20"), "one");
  EXPECT_EQ(got, "7%20");
  EXPECT_EQ(*client.get("/a/7/b"), "b");
  for (const char* path : {"/", "", "/a/", "/a/7/c", "/a/7/b/c", "/b"})
    EXPECT_EQ(client.get(path).error().code, ErrorCode::not_found) << path;
}

// Waits until a result is there, at most 20 s.
std::optional<Poller::Result> next(Poller& poller) {
  pollfd ready{poller.ready_fd(), POLLIN, 0};
  return poll(&ready, 1, 20'000) == 1 ? poller.take() : std::nullopt;
}

TEST(Poller, AsksAtOnceThenWhenItIsTold) {
  Poller poller(std::make_shared<Scripted>(), "", std::chrono::hours(1));
  auto result = next(poller);
  ASSERT_TRUE(result && *result);
  EXPECT_FALSE((*result)->data.detail);
  EXPECT_EQ(poller.take(), std::nullopt);
  poller.want("4");
  result = next(poller);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->data.detail->domain.label, "4");
  poller.want("4");  // no change
  poller.refresh();
  EXPECT_TRUE(next(poller));
  EXPECT_TRUE(poller.stop(std::chrono::seconds(20)));
}

TEST(Poller, GoesOnByItself) {
  Poller poller(std::make_shared<Scripted>(), "", std::chrono::milliseconds(1));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(next(poller));
}

// Stands in a call that only cancel() ends.
class Stuck final : public JsonSource {
 public:
  Fetched get(const std::string&) override {
    std::unique_lock lock(mutex_);
    in_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return cancelled_; });
    return tl::unexpected(Error{ErrorCode::bad_answer, "cancelled", ""});
  }
  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  void wait_until_in() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return in_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool in_ = false, cancelled_ = false;
};

TEST(Poller, StopEndsACallThatHangs) {
  const auto stuck = std::make_shared<Stuck>();
  Poller poller(stuck, "", std::chrono::hours(1));
  stuck->wait_until_in();
  EXPECT_TRUE(poller.stop(std::chrono::seconds(20)));
}

}  // namespace
}  // namespace rcached::top
