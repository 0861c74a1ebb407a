// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/connection_guard.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace rcached {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 50ms;
constexpr auto kSlowAnswer = 1s;  // from then on a response counts as read slowly

// Finds the end of a request's head as CivetWeb does.
bool is_whole_head(std::string_view text) {
  return text.find("\r\n\r\n") != std::string_view::npos || text.find("\n\n") != std::string_view::npos;
}

// Whether the unread bytes are less than a whole request. If a thread has read a part, it waits for the rest,
// so the unread bytes are incomplete in that case too.
bool request_incomplete(int fd, std::size_t head_bytes) {
  std::string buffer(head_bytes, '\0');
  const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n == 0) return false;  // the client has closed: costs a thread no time
  if (n < 0) return true;
  const auto got = static_cast<std::size_t>(n);
  return got < head_bytes && !is_whole_head(std::string_view(buffer).substr(0, got));
}

const AcceptedSocket* find_socket(const ConnectionGuard::Connection& connection,
                                  const std::vector<AcceptedSocket>& sockets) {
  const auto found = std::find_if(sockets.begin(), sockets.end(), [&](const AcceptedSocket& socket) {
    return connection.port != 0 && socket.port == connection.port && socket.address == connection.address;
  });
  return found == sockets.end() ? nullptr : &*found;
}

}  // namespace

ConnectionGuard::ConnectionGuard(GuardOptions options, std::function<std::vector<AcceptedSocket>()> sockets,
                                 std::function<void(Dropped)> dropped)
    : options_(options), sockets_(std::move(sockets)), dropped_(std::move(dropped)), thread_([this] {
        ::pthread_setname_np(::pthread_self(), "http-guard");
        run();
      }) {}

ConnectionGuard::~ConnectionGuard() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

ConnectionGuard::Connection* ConnectionGuard::opened() {
  const MutexLock lock(mutex_);
  Connection& connection = connections_.emplace_back();
  connection.since = Clock::now();
  if (asleep_) changed_.notify_one();
  return &connection;
}

bool ConnectionGuard::arrived(Connection* connection, std::string address, std::uint16_t port) {
  const MutexLock lock(mutex_);
  connection->phase = Phase::idle;
  connection->address = std::move(address);
  connection->port = port;
  const auto pending = pending_.extract({connection->address, port});
  return pending.empty() || !pending.mapped().dropped;
}

void ConnectionGuard::idle(Connection* connection) {
  const MutexLock lock(mutex_);
  connection->phase = Phase::idle;
}

void ConnectionGuard::sending(Connection* connection, std::size_t bytes, bool steady) {
  const MutexLock lock(mutex_);
  connection->phase = Phase::sending;
  connection->since = Clock::now();
  connection->deadline = connection->since + options_.answer_limit;
  if (!steady)
    connection->deadline += std::chrono::milliseconds(bytes * 1000 / options_.min_bytes_per_second);
  if (asleep_) changed_.notify_one();
}

int ConnectionGuard::socket(const Connection* connection) const {
  const MutexLock no_closing(closing_mutex_);
  const MutexLock lock(mutex_);
  const auto sockets = sockets_();
  const AcceptedSocket* found = find_socket(*connection, sockets);
  return found == nullptr ? -1 : found->fd;
}

void ConnectionGuard::end_all() {
  const MutexLock no_closing(closing_mutex_);
  for (const AcceptedSocket& socket : sockets_()) ::shutdown(socket.fd, SHUT_RDWR);
}

void ConnectionGuard::close_remaining() {
  for (const AcceptedSocket& socket : sockets_()) ::close(socket.fd);
}

void ConnectionGuard::closing(const Connection* connection) {
  closing_mutex_.lock();
  const MutexLock lock(mutex_);
  connections_.remove_if([&](const Connection& candidate) { return &candidate == connection; });
}

void ConnectionGuard::closed() { closing_mutex_.unlock(); }

bool ConnectionGuard::any_active() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const Connection& connection) {
    return connection.phase != Phase::idle && !connection.dropped;
  });
}

void ConnectionGuard::run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    asleep_ = true;
    while (!stopping_ && !any_active()) changed_.wait(mutex_);
    asleep_ = false;
    const auto tick = Clock::now() + kTick;
    while (!stopping_ && changed_.wait_until(mutex_, tick) != std::cv_status::timeout) {
    }
    if (stopping_) return;
    if (!any_active()) continue;
    lock.unlock();
    {
      const MutexLock no_closing(closing_mutex_);
      const MutexLock relock(mutex_);
      inspect(Clock::now());
    }
    lock.lock();
  }
}

void ConnectionGuard::inspect(Clock::time_point now) {
  bool reading = false;
  bool late = false;
  for (const Connection& connection : connections_) {
    reading |= connection.phase == Phase::reading;
    late |= connection.phase == Phase::sending && !connection.dropped && now >= connection.deadline;
  }
  if (!reading && !crowded()) pending_.clear();
  if (!reading && !crowded() && !late) return;
  const auto sockets = sockets_();
  drop_slow_requests(now, sockets);
  drop_slow_readers(now, sockets);
}

void ConnectionGuard::drop_slow_requests(Clock::time_point now, const std::vector<AcceptedSocket>& sockets) {
  const auto limit = crowded() ? std::min(options_.crowded_limit, options_.head_limit) : options_.head_limit;
  std::map<Peer, Pending> still;
  for (const AcceptedSocket& socket : sockets) {
    const bool arrived =
        std::any_of(connections_.begin(), connections_.end(), [&](const Connection& connection) {
          return connection.port == socket.port && connection.address == socket.address;
        });
    if (arrived || socket.port == 0) continue;
    const Peer peer(socket.address, socket.port);
    const auto known = pending_.find(peer);
    Pending pending = known == pending_.end() ? Pending{now} : known->second;
    if (!pending.dropped && now - pending.since >= limit &&
        request_incomplete(socket.fd, options_.head_bytes)) {
      ::shutdown(socket.fd, SHUT_RD);  // its thread sees the end and can still send a 408
      pending.dropped = true;
      if (dropped_) dropped_(Dropped::slow_request);
    }
    still.emplace(peer, pending);
  }
  pending_ = std::move(still);
}

void ConnectionGuard::drop_slow_readers(Clock::time_point now, const std::vector<AcceptedSocket>& sockets) {
  std::map<std::string_view, std::vector<Connection*>> slow;  // by address, the oldest first
  for (Connection& connection : connections_) {
    if (connection.phase != Phase::sending || connection.dropped) continue;
    const auto taken = now - connection.since;
    if (now >= connection.deadline || (crowded() && taken >= options_.answer_limit)) {
      drop(connection, sockets);
    } else if (taken >= std::min<Clock::duration>(kSlowAnswer, options_.answer_limit)) {
      slow[connection.address].push_back(&connection);
    }
  }
  if (!crowded()) return;
  for (auto& [address, connections] : slow) {
    const std::size_t most = std::max(1u, options_.workers / 2);
    if (connections.size() <= most) continue;
    std::sort(connections.begin(), connections.end(),
              [](const Connection* a, const Connection* b) { return a->since < b->since; });
    for (std::size_t i = 0; i < connections.size() - most; ++i) {
      drop(*connections[i], sockets);
    }
  }
}

void ConnectionGuard::drop(Connection& connection, const std::vector<AcceptedSocket>& sockets) {
  const AcceptedSocket* socket = find_socket(connection, sockets);
  if (socket == nullptr) return;  // only CivetWeb's own timeout applies
  // Otherwise the unsent data would stay in kernel memory until the client reads it.
  const linger reset{1, 0};
  ::setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::shutdown(socket->fd, SHUT_RDWR);
  connection.dropped = true;
  if (dropped_) dropped_(Dropped::slow_reader);
}

}  // namespace rcached
