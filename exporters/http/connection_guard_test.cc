// SPDX-License-Identifier: Apache-2.0
// The guard with socket pairs in place of accepted connections.
#include "exporters/http/connection_guard.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>

#include "base/unique_fd.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using rcached::testing::eventually;

using namespace std::chrono_literals;

// Several ticks of the guard: it takes no action after that.
void wait_for_ticks() { std::this_thread::sleep_for(400ms); }

struct Client {
  Client(std::string its_address, std::uint16_t its_port) : address(std::move(its_address)), port(its_port) {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    mine = UniqueFd(fds[0]);
    server = UniqueFd(fds[1]);
  }
  ~Client() {
    if (forget) forget();
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view text) const {
    EXPECT_EQ(::send(mine.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  // The server's side reads its end.
  bool reading_ended() const {
    char byte = 0;
    return ::recv(server.get(), &byte, 1, MSG_PEEK) == 0;
  }
  bool writing_ended() const { return ::send(server.get(), "x", 1, MSG_NOSIGNAL) < 0; }

  std::string address;
  std::uint16_t port;
  UniqueFd mine, server;
  mutable std::function<void()> forget;  // removes it from the sockets that the guard sees
};

class ConnectionGuardTest : public ::testing::Test {
 protected:
  void start(const GuardOptions& options) {
    guard_ = std::make_unique<ConnectionGuard>(
        options,
        [this] {
          std::vector<AcceptedSocket> sockets;
          const std::lock_guard lock(mutex_);
          for (const Client* client : clients_)
            sockets.push_back({client->server.get(), client->address, client->port});
          return sockets;
        },
        [this](Dropped why) { ++(why == Dropped::slow_request ? requests_ : readers_); });
  }
  void accept(const Client& client) {
    const std::lock_guard lock(mutex_);
    clients_.insert(&client);
    client.forget = [this, &client] {
      const std::lock_guard forgetting(mutex_);
      clients_.erase(&client);
    };
  }
  // A thread has read the whole request.
  ConnectionGuard::Connection* arrive(const Client& client) {
    accept(client);
    auto* connection = guard_->opened();
    EXPECT_TRUE(guard_->arrived(connection, client.address, client.port));
    return connection;
  }

  std::mutex mutex_;
  std::set<const Client*> clients_;
  std::atomic<int> requests_ = 0, readers_ = 0;
  std::unique_ptr<ConnectionGuard> guard_;
};

TEST_F(ConnectionGuardTest, AnIncompleteRequestIsEndedAtTheLimit) {
  start({.workers = 8, .head_limit = 100ms, .crowded_limit = 1ms});
  Client silent("10.0.0.1", 1000);
  Client dripping("10.0.0.1", 1001);
  accept(silent);
  accept(dripping);
  dripping.send("GET / HT");
  auto* first = guard_->opened();
  auto* second = guard_->opened();
  EXPECT_TRUE(eventually([&] { return silent.reading_ended() && requests_ == 2; }));
  EXPECT_FALSE(silent.writing_ended()) << "an error response can still be sent";
  EXPECT_FALSE(guard_->arrived(first, "10.0.0.1", 1000));
  EXPECT_FALSE(guard_->arrived(second, "10.0.0.1", 1001));
}

TEST_F(ConnectionGuardTest, WithFreeThreadsTheCrowdedLimitDoesNotApply) {
  start({.workers = 2, .head_limit = 1h, .crowded_limit = 1ms, .answer_limit = 1h});
  Client slow("10.0.0.1", 1000);
  accept(slow);
  guard_->opened();
  wait_for_ticks();
  EXPECT_FALSE(slow.reading_ended());
  EXPECT_EQ(requests_, 0);
}

TEST_F(ConnectionGuardTest, WhenCrowdedIncompleteRequestsEndEvenIfQueued) {
  start({.workers = 2, .head_limit = 1h, .crowded_limit = 100ms, .answer_limit = 1h});
  Client reading("10.0.0.1", 1000);  // has a thread
  Client queued("10.0.0.1", 1001);   // waits for one and has sent a part
  Client whole("10.0.0.2", 1002);    // waits for one and has sent all
  Client answered("10.0.0.3", 1003);
  queued.send("GET / HTTP/1.1\r\nHost: x\r\n");
  whole.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  guard_->opened();
  arrive(answered);
  for (const Client* client : {&reading, &queued, &whole}) accept(*client);
  EXPECT_TRUE(eventually([&] { return requests_ == 2; }));
  EXPECT_TRUE(reading.reading_ended());
  wait_for_ticks();
  EXPECT_EQ(requests_, 2) << "each is counted once, and no other connection is ended";
  auto* taken = guard_->opened();
  EXPECT_TRUE(guard_->arrived(taken, whole.address, whole.port));
  EXPECT_FALSE(answered.reading_ended());
}

TEST_F(ConnectionGuardTest, AResponseThatIsNotReadIsEnded) {
  start({.workers = 8, .answer_limit = 50ms, .min_bytes_per_second = 1'000'000});
  Client stalled("10.0.0.1", 1000);
  Client patient("10.0.0.1", 1001);
  Client gone("10.0.0.1", 1002);
  guard_->sending(arrive(stalled), 1000, false);
  guard_->sending(arrive(patient), 3'600'000'000, false);  // an hour at the minimum rate
  guard_->sending(arrive(gone), 3'600'000'000, true);      // a piece of a stream gets no extra time
  EXPECT_TRUE(eventually([&] { return readers_ == 2; }));
  EXPECT_TRUE(stalled.writing_ended());
  EXPECT_TRUE(gone.writing_ended());
  EXPECT_FALSE(patient.writing_ended());
}

TEST_F(ConnectionGuardTest, WhenCrowdedALargeResponseGetsNoExtraTime) {
  start({.workers = 2, .answer_limit = 50ms, .min_bytes_per_second = 1});
  Client first("10.0.0.1", 1000);
  Client second("10.0.0.2", 1001);
  auto* sends = arrive(first);
  guard_->sending(sends, 1'000'000, false);
  wait_for_ticks();
  EXPECT_EQ(readers_, 0);
  auto* idle = arrive(second);
  EXPECT_TRUE(eventually([&] { return readers_ == 1; }));
  EXPECT_TRUE(first.writing_ended());
  guard_->closing(idle);
  guard_->closed();
}

TEST_F(ConnectionGuardTest, WhenCrowdedOneAddressKeepsHalfOfTheThreadsForSlowAnswers) {
  start({.workers = 4, .answer_limit = 1h});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint16_t i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(i < 3 ? "10.0.0.1" : "10.0.0.2", 1000 + i));
    guard_->sending(arrive(*clients.back()), 1, false);
  }
  EXPECT_TRUE(eventually([&] { return readers_ == 1; }));
  EXPECT_TRUE(clients[0]->writing_ended()) << "the oldest of the address that has three";
  wait_for_ticks();
  EXPECT_EQ(readers_, 1);
}

TEST_F(ConnectionGuardTest, AClosedConnectionIsForgotten) {
  start({.workers = 1, .answer_limit = 50ms});
  Client client("10.0.0.1", 1000);
  auto* connection = arrive(client);
  EXPECT_EQ(guard_->socket(connection), client.server.get());
  guard_->sending(connection, 1, false);
  guard_->closing(connection);
  guard_->closed();
  {
    const std::lock_guard lock(mutex_);
    clients_.clear();
  }
  wait_for_ticks();
  EXPECT_EQ(readers_, 0);
}

TEST_F(ConnectionGuardTest, EndAllEndsQueuedConnectionsToo) {
  start({.workers = 1});
  Client client("10.0.0.1", 1000);
  accept(client);
  guard_->end_all();
  EXPECT_TRUE(client.reading_ended());
  EXPECT_TRUE(client.writing_ended());
}

TEST_F(ConnectionGuardTest, AnUnknownPeerHasNoSocket) {
  start({.workers = 2});
  auto* connection = guard_->opened();
  EXPECT_TRUE(guard_->arrived(connection, "", 0));
  EXPECT_EQ(guard_->socket(connection), -1);
}

}  // namespace
}  // namespace rcached
