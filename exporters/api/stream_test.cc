// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "exporters/api/testing/fake_stream.h"
#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::FakeStream;
using testing::sample_view;
using testing::SettableSource;

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// A view with its own number of events.
View numbered_view(std::uint64_t events) {
  View view = sample_view(kProfile61);
  view.status.events = events;
  return view;
}

// Data of the event with this id and name.
json data_of(const std::string& text, int id, const std::string& name) {
  const std::string head = "id: " + std::to_string(id) + "\nevent: " + name + "\ndata: ";
  const auto at = text.find(head);
  if (at == std::string::npos) return "no event";
  const auto begin = at + head.size();
  return json::parse(text.substr(begin, text.find("\n\n", begin) - begin));
}

class StreamTest : public ::testing::Test {
 protected:
  void TearDown() override { stop(); }

  void start(std::optional<std::string> domain = std::nullopt, StreamOptions options = {}) {
    thread_ = std::thread([this, domain = std::move(domain), options] {
      run_stream(bodies_, domain, stream_, options);
      over_ = true;
    });
  }
  void stop() {
    stream_.close();
    if (thread_.joinable()) thread_.join();
  }
  bool sent(int id, const std::string& name) const {
    return stream_.wait_for([&](const std::string& text) { return data_of(text, id, name) != "no event"; });
  }
  json data(int id, const std::string& name) const { return data_of(stream_.text(), id, name); }

  std::shared_ptr<SettableSource> source_ = std::make_shared<SettableSource>();
  SharedBodies bodies_{source_};
  FakeStream stream_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

TEST_F(StreamTest, SendsTheCurrentSnapshotAndEveryNewOne) {
  source_->publish(numbered_view(111));
  start();
  ASSERT_TRUE(sent(1, "snapshot"));
  EXPECT_EQ(stream_.text().find("retry: 2000\n\n"), 0u);
  source_->publish(numbered_view(222));
  ASSERT_TRUE(sent(2, "snapshot"));
  stop();
  EXPECT_EQ(data(1, "snapshot")["status"]["events"]["applied"], 111);
  EXPECT_EQ(data(2, "snapshot")["status"]["events"]["applied"], 222);
  EXPECT_EQ(times(stream_.text(), "event: "), 2u);
}

TEST_F(StreamTest, ASnapshotHasTheBodiesOfThePaths) {
  source_->publish(numbered_view(1));
  start();
  ASSERT_TRUE(sent(1, "snapshot"));
  stop();
  const auto current = bodies_.current();
  const json expected = {{"domains", json::parse(*current->domains())},
                         {"status", json::parse(*current->status())},
                         {"notes", json::parse(*current->notes())}};
  EXPECT_EQ(data(1, "snapshot"), expected);
}

TEST_F(StreamTest, TheRequestedDomainFollowsEachSnapshotEvenIfItDisappears) {
  View without = numbered_view(2);
  without.snapshot.domains.erase(without.snapshot.domains.begin());
  source_->publish(numbered_view(1));
  start("4");
  ASSERT_TRUE(sent(1, "domain"));
  const auto current = bodies_.current();
  EXPECT_EQ(data(1, "domain"), json::parse(*current->domain(*current->find("4"))));
  source_->publish(without);
  ASSERT_TRUE(sent(2, "domain"));
  source_->publish(numbered_view(3));
  ASSERT_TRUE(sent(3, "domain"));
  stop();
  EXPECT_EQ(data(2, "domain")["error"]["message"], "this host has no domain \"4\"");
  EXPECT_EQ(data(3, "domain")["domain"]["domain"], "4");
  const std::string text = stream_.text();
  EXPECT_LT(text.find("id: 1\nevent: snapshot"), text.find("id: 1\nevent: domain"));
}

TEST_F(StreamTest, ASlowClientMissesSnapshotsAndGetsTheNewest) {
  source_->publish(numbered_view(1));
  stream_.set_stuck(true);
  start();
  ASSERT_TRUE(stream_.wait_for("retry"));
  // It is stuck in its first write while other clients see three more.
  for (std::uint64_t events = 2; events <= 4; ++events) {
    source_->publish(numbered_view(events));
    ASSERT_EQ(bodies_.current()->number(), events - 1);
  }
  stream_.set_stuck(false);
  ASSERT_TRUE(sent(3, "snapshot"));
  stop();
  EXPECT_EQ(data(3, "snapshot")["status"]["events"]["applied"], 4);
  EXPECT_EQ(times(stream_.text(), "event: snapshot"), 1u);
}

TEST_F(StreamTest, CommentsKeepAnIdleStreamAlive) {
  source_->publish(numbered_view(1));
  start(std::nullopt, {.keep_alive = 1ms, .check_interval = 1ms});
  ASSERT_TRUE(
      stream_.wait_for([](const std::string& text) { return times(text, "\n: nothing new\n\n") >= 3; }));
  stop();
  EXPECT_EQ(times(stream_.text(), "event: snapshot"), 1u);
}

TEST_F(StreamTest, NoCommentBeforeTheKeepAliveTime) {
  source_->publish(numbered_view(1));
  start(std::nullopt, {.keep_alive = 1h, .check_interval = 1ms});
  for (std::uint64_t events = 2; events <= 50; ++events) {
    source_->publish(numbered_view(events));
    ASSERT_TRUE(stream_.wait_for("\"applied\":" + std::to_string(events) + ","));
  }
  stop();
  EXPECT_EQ(times(stream_.text(), ": nothing"), 0u);
}

TEST_F(StreamTest, WaitsForTheFirstView) {
  start(std::nullopt, {.keep_alive = 1ms, .check_interval = 1ms});
  ASSERT_TRUE(stream_.wait_for(": nothing new"));
  source_->publish(numbered_view(7));
  EXPECT_TRUE(sent(1, "snapshot"));
}

TEST_F(StreamTest, EndsWhenAnIdleClientDisconnects) {
  source_->publish(numbered_view(1));
  start();
  ASSERT_TRUE(sent(1, "snapshot"));
  stop();
  EXPECT_TRUE(over_);
}

TEST_F(StreamTest, EndsWhenTheClientDisconnectsDuringAWrite) {
  source_->publish(numbered_view(1));
  stream_.set_stuck(true);
  start("4");
  ASSERT_TRUE(stream_.wait_for("retry"));
  stop();
  EXPECT_EQ(times(stream_.text(), "event: "), 0u) << "nothing is written after a failed write";
}

// A closed source: wait_for_newer() does not wait.
class EndedSource final : public ViewSource {
 public:
  std::shared_ptr<const View> view() const override { return view_; }
  std::shared_ptr<const View> wait_for_newer(const std::shared_ptr<const View>&,
                                             std::chrono::milliseconds) const override {
    ++asked;
    return view_;
  }
  mutable std::atomic<int> asked = 0;

 private:
  std::shared_ptr<const View> view_ = std::make_shared<const View>(numbered_view(1));
};

// Open for the given number of checks.
class CountingStream final : public HttpStream {
 public:
  explicit CountingStream(int checks) : left_(checks) {}
  bool write(std::string_view) override { return true; }
  bool open() const override { return left_-- > 0; }

 private:
  mutable int left_;
};

TEST(Stream, AClosedSourceIsNotPolledInABusyLoop) {
  const auto source = std::make_shared<EndedSource>();
  SharedBodies bodies(source);
  CountingStream stream(6);
  const auto begin = std::chrono::steady_clock::now();
  run_stream(bodies, std::nullopt, stream, {.keep_alive = 1h, .check_interval = 10ms});
  EXPECT_EQ(source->asked, 6);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms)
      << "five checks without a new View, after the first";
}

}  // namespace
}  // namespace rcached::api
