// SPDX-License-Identifier: Apache-2.0
// ConnectionGuard: takes CivetWeb's threads back from clients that hold them without need. CivetWeb gives
// every connection a thread as soon as it is accepted and knows only a timeout for silence, so a handful of
// clients that send a byte now and then, or read one now and then, would lock all others out.
//
//   - A request must be there within head_limit, an answer be taken within answer_limit and the time that its
//     bytes take at slowest_bytes_per_second.
//   - While all threads are taken (crowded), a request must be there within crowded_limit, wherever its
//     connection waits; an answer be taken within answer_limit whatever its size; and one address must not
//     hold more than half of the threads with answers that it takes slowly.
//
// What is too slow is shut down; CivetWeb's thread then notices at once. The guard's own thread sleeps while
// no client owes anything.
//
// Thread-safe. opened() to closed() are called from CivetWeb's callbacks of the same names.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "exporters/http/socket_table.h"

namespace rcached {

struct GuardOptions {
  unsigned workers = 1;  // CivetWeb's threads
  std::chrono::milliseconds head_limit{10'000};
  std::chrono::milliseconds crowded_limit{250};
  std::chrono::milliseconds answer_limit{10'000};
  std::uint64_t slowest_bytes_per_second = 128u << 10;
  // No request is larger. 1 where requests cannot be read from outside (TLS): the first byte counts as all.
  std::size_t head_bytes = 16u << 10;
};

enum class Dropped : std::uint8_t { slow_request, slow_reader };

class ConnectionGuard {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Phase : std::uint8_t { reading, idle, sending };

  struct Connection {
    std::string address;  // of the peer; known when its request has been read
    std::uint16_t port = 0;
    Phase phase = Phase::reading;
    Clock::time_point since;     // when the phase began
    Clock::time_point deadline;  // of sending
    bool dropped = false;
  };

  // `sockets` lists the accepted sockets; `dropped` is told of every connection that is ended, by the guard's
  // thread.
  ConnectionGuard(GuardOptions options, std::function<std::vector<AcceptedSocket>()> sockets,
                  std::function<void(Dropped)> dropped);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // A thread has taken a connection and reads the request. CivetWeb does not say whose it is yet.
  Connection* opened();
  // The request has been read, or there will be none; `address` and `port` of the peer, as CivetWeb has them.
  // False: the guard has ended it because it was slow.
  bool arrived(Connection* connection, std::string address, std::uint16_t port);
  // The client owes nothing: its answer is made, or its stream has nothing to say.
  void idle(Connection* connection);
  // The client is to take this much. `steady`: a piece of a stream, for which answer_limit is all.
  void sending(Connection* connection, std::size_t bytes, bool steady);
  // The socket of a connection, or -1 when it cannot be told. Good until closing().
  int socket(const Connection* connection) const;
  // Ends every connection, those that no thread has taken included.
  void end_all();
  // Once CivetWeb has stopped: closes what it has left. It forgets the connections that no thread has taken.
  void close_left();
  // Around CivetWeb's close(): between the two no file descriptor of a connection is looked at. `connection`
  // may be null.
  void closing(const Connection* connection) RCACHED_THREAD_ANNOTATION(acquire_capability(closing_mutex_));
  void closed() RCACHED_THREAD_ANNOTATION(release_capability(closing_mutex_));

 private:
  struct Pending {  // accepted, and no request has been read: waits for a thread, or a thread reads it
    Clock::time_point since;
    bool dropped = false;
  };
  using Peer = std::pair<std::string, std::uint16_t>;

  void run();
  bool crowded() const REQUIRES(mutex_) { return connections_.size() >= options_.workers; }
  bool owes() const REQUIRES(mutex_);
  void inspect(Clock::time_point now) REQUIRES(mutex_);
  void drop_slow_requests(Clock::time_point now, const std::vector<AcceptedSocket>& sockets) REQUIRES(mutex_);
  void drop_slow_readers(Clock::time_point now, const std::vector<AcceptedSocket>& sockets) REQUIRES(mutex_);
  void drop(Connection& connection, const std::vector<AcceptedSocket>& sockets) REQUIRES(mutex_);

  const GuardOptions options_;
  const std::function<std::vector<AcceptedSocket>()> sockets_;
  const std::function<void(Dropped)> dropped_;

  mutable Mutex closing_mutex_ ACQUIRED_BEFORE(mutex_);  // held from closing() to closed()
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Connection> connections_ GUARDED_BY(mutex_);
  std::map<Peer, Pending> pending_ GUARDED_BY(mutex_);  // kept while any request is being read
  // the guard's thread waits for the first client that owes something
  bool asleep_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rcached
