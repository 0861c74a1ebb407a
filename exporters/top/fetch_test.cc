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

// Returns the responses set by the test, and records the requests.
class Scripted final : public JsonSource {
 public:
  Scripted() : real_(rcached::testing::sample_view(kProfile61)) {}
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
  testing::Routes real_;
};

Expected<TopPicture> fetch(const std::shared_ptr<Scripted>& source, const std::string& label) {
  return DaemonSource(source).picture(label);
}

TEST(Fetch, FetchesWhatAScreenNeeds) {
  const auto source = std::make_shared<Scripted>();
  const auto picture = fetch(source, "");
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->data.domains.domains.size(), 2u);
  EXPECT_EQ(picture->data.notes.notes.size(), 2u);
  EXPECT_FALSE(picture->data.detail || picture->data.history);
  EXPECT_EQ(source->asked, (std::vector<std::string>{"/api/v1/domains", "/api/v1/status", "/api/v1/notes"}));
  const auto with_domain = fetch(source, "4");
  EXPECT_EQ(with_domain->data.detail->domain.label, "4");
  EXPECT_EQ(with_domain->data.history->tree.size(), 3u);
}

TEST(Fetch, AMissingDomainIsNoError) {
  const auto source = std::make_shared<Scripted>();
  const auto picture = fetch(source, "nobody/../x y");
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_FALSE(picture->data.detail);
  EXPECT_EQ(source->asked.back(), "/api/v1/domains/nobody%2F..%2Fx%20y");
}

TEST(Fetch, ResponsesFromDifferentSnapshotsAreFetchedAgain) {
  for (const char* path : {"/api/v1/status", "/api/v1/notes", "/api/v1/domains/4"}) {
    const auto source = std::make_shared<Scripted>();
    auto later = nlohmann::ordered_json::parse(*source->get(path));
    later["time"] = later["time"].get<double>() + 1;
    source->answers[path] = {200, later.dump()};
    source->asked.clear();
    ASSERT_TRUE(fetch(source, "4"));
    EXPECT_EQ(source->asked.size(), 15u) << path;  // three attempts, then they are accepted
  }
}

TEST(Fetch, ErrorsNameThePathAndTheHint) {
  const auto source = std::make_shared<Scripted>();
  source->answers["/api/v1/status"] = {200, "{\"time\":1}"};
  auto picture = fetch(source, "");
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::bad_answer);
  EXPECT_EQ(picture.error().message, "invalid response to /api/v1/status: version is missing");
  source->answers["/api/v1/domains"] = {503, R"({"error":{"message":"it starts","hint":"wait"}})"};
  picture = fetch(source, "");
  EXPECT_EQ(picture.error().code, ErrorCode::not_ready);
  EXPECT_EQ(picture.error().message, "http://x reports: it starts");
  EXPECT_EQ(picture.error().hint, "wait");
}

TEST(Fetch, StatusesMapToErrorCodes) {
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

TEST(Fetch, JsonLineIsOneLineOfAscii) {
  View view = rcached::testing::hostile_view();
  view.domains[0].devices = "\x7f\xc2\x9b\xe2\x80\xa8";
  const std::string label = testing::data_of(view).domains.domains[0].label;
  std::vector<std::string> lines;
  for (const std::shared_ptr<PictureSource>& source :
       {std::shared_ptr<PictureSource>(
            std::make_shared<DaemonSource>(std::make_shared<testing::Routes>(view))),
        std::shared_ptr<PictureSource>(std::make_shared<ViewPictures>(testing::source_of(view)))}) {
    for (const bool one : {false, true}) {
      const auto picture = source->picture(one ? label : "");
      ASSERT_TRUE(picture);
      const std::string& line = lines.emplace_back(json_line(*picture));
      for (const char c : line) ASSERT_TRUE(c >= 0x20 && c < 0x7f);
      const auto json = nlohmann::ordered_json::parse(line);
      EXPECT_EQ(json["domains"]["domains"].size(), 2u);
      EXPECT_EQ(json["domains"]["domains"][0]["domain"], label);
      EXPECT_EQ(json["status"]["mode"], picture->data.status.mode);
      EXPECT_EQ(json["notes"]["notes"].size(), 2u);
      EXPECT_EQ(json.contains("domain"), one);
      EXPECT_TRUE(!one || json["domain"]["domain"]["domain"] == label);
    }
  }
}

TEST(Fetch, MembersOfNewerDaemonsAreKeptInTheLine) {
  const auto source = std::make_shared<Scripted>();
  auto newer = nlohmann::ordered_json::parse(*source->get("/api/v1/notes"));
  newer["something_new"] = {1, 2, 3};
  source->answers["/api/v1/notes"] = {200, newer.dump()};
  const auto picture = fetch(source, "");
  ASSERT_TRUE(picture);
  EXPECT_EQ(nlohmann::ordered_json::parse(json_line(*picture))["notes"], newer);
}

TEST(ViewPictures, EqualThoseOfADaemonWithTheSameView) {
  for (const View& view :
       {rcached::testing::sample_view(kProfile61), rcached::testing::sample_view(kProfile612),
        rcached::testing::hostile_view(), View{}}) {
    const auto all = testing::data_of(view).domains.domains;
    for (const std::string& label :
         {std::string(), all.empty() ? "4" : all[0].label, std::string("nobody")}) {
      auto local = ViewPictures(testing::source_of(view)).picture(label);
      auto daemon = DaemonSource(std::make_shared<testing::Routes>(view)).picture(label);
      ASSERT_TRUE(local && daemon);
      EXPECT_FALSE(local->bodies);
      // Values that change between two calls.
      local->data.status.process = daemon->data.status.process = {};
      EXPECT_EQ(local->data.domains.domains, daemon->data.domains.domains);
      EXPECT_EQ(local->data.detail, daemon->data.detail);
      EXPECT_EQ(local->data.history, daemon->data.history);
      EXPECT_EQ(local->data.notes, daemon->data.notes);
      EXPECT_EQ(local->data.status, daemon->data.status);
      EXPECT_EQ(local->data.detail.has_value(), !all.empty() && label == all[0].label);
    }
  }
}

TEST(ViewPictures, AreTheSameUntilTheViewOrTheLabelChanges) {
  const auto source = std::make_shared<rcached::testing::SettableSource>();
  ViewPictures pictures(source);
  EXPECT_EQ(pictures.picture("").error().code, ErrorCode::not_ready);
  EXPECT_EQ(pictures.picture("").error().message, "rcached is starting: no snapshot has been taken yet");
  source->publish(rcached::testing::sample_view(kProfile61));
  const auto first = pictures.picture("");
  ASSERT_TRUE(first);
  EXPECT_EQ(pictures.picture("")->data, first->data);
  EXPECT_TRUE(pictures.picture("4")->data.detail);
  View changed = rcached::testing::sample_view(kProfile61);
  changed.status.events += 1;
  source->publish(changed);
  const auto second = pictures.picture("");
  EXPECT_FALSE(second->data.detail);
  EXPECT_NE(second->data, first->data);
  EXPECT_EQ(second->data.status.events.applied, first->data.status.events.applied + 1);
}

TEST(Fetch, BeforeTheFirstViewItIsNotReady) {
  DaemonSource source(
      std::make_shared<testing::Routes>(std::make_shared<rcached::testing::SettableSource>()));
  const auto picture = source.picture("");
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, ErrorCode::not_ready);
}

// Waits for a result, at most 20 s.
std::optional<Poller::Result> next(Poller& poller) {
  pollfd ready{poller.ready_fd(), POLLIN, 0};
  return poll(&ready, 1, 20'000) == 1 ? poller.take() : std::nullopt;
}

TEST(Poller, FetchesImmediatelyThenOnRequest) {
  Poller poller(std::make_shared<DaemonSource>(std::make_shared<Scripted>()), "", std::chrono::hours(1));
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

TEST(Poller, FetchesPeriodically) {
  Poller poller(std::make_shared<DaemonSource>(std::make_shared<Scripted>()), "",
                std::chrono::milliseconds(1));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(next(poller));
}

// Blocks in a call that only cancel() ends.
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
  Poller poller(std::make_shared<DaemonSource>(stuck), "", std::chrono::hours(1));
  stuck->wait_until_in();
  EXPECT_TRUE(poller.stop(std::chrono::seconds(20)));
}

}  // namespace
}  // namespace rcached::top
