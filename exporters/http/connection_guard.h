// SPDX-License-Identifier: Apache-2.0
// ConnectionGuard: disconnects slow clients that occupy CivetWeb's threads. CivetWeb assigns a thread to every
// connection once it is accepted and has only an inactivity timeout, so a few clients that send or read one
// byte from time to time would lock out all others.
//
//   - A request must be complete within head_limit. A response must be read within answer_limit plus the time
//     that its bytes take at min_bytes_per_second.
//   - While all threads are in use (crowded), a request must be complete within crowded_limit, even if its
//     connection is still queued; a response must be read within answer_limit regardless of its size; and one
//     address must not occupy more than half of the threads with responses that it reads slowly.
//
// Connections that are too slow are shut down; CivetWeb's thread then notices at once. The guard's own thread
// sleeps while no request is being read and no response is being sent.
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
  std::uint64_t min_bytes_per_second = 128u << 10;
  // Maximum request size. 1 if requests cannot be inspected (TLS): then the first byte counts as all of it.
  std::size_t head_bytes = 16u << 10;
};

enum class Dropped : std::uint8_t { slow_request, slow_reader };

class ConnectionGuard {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Phase : std::uint8_t { reading, idle, sending };

  struct Connection {
    std::string address;  // of the peer; known once its request has been read
    std::uint16_t port = 0;
    Phase phase = Phase::reading;
    Clock::time_point since;     // when the phase began
    Clock::time_point deadline;  // of sending
    bool dropped = false;
  };

  // `sockets` lists the accepted sockets; the guard's thread calls `dropped` for every connection that it ends.
  ConnectionGuard(GuardOptions options, std::function<std::vector<AcceptedSocket>()> sockets,
                  std::function<void(Dropped)> dropped);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // A thread has taken a connection and reads the request. CivetWeb does not report the peer yet.
  Connection* opened();
  // The request has been read, or there will be none; `address` and `port` are those that CivetWeb reports.
  // False: the guard has ended it because it was slow.
  bool arrived(Connection* connection, std::string address, std::uint16_t port);
  // Nothing is expected from the client: its response is being generated, or its stream has no data to send.
  void idle(Connection* connection);
  // The client must now read this many bytes. `steady`: a piece of a stream, with answer_limit as its limit.
  void sending(Connection* connection, std::size_t bytes, bool steady);
  // The socket of a connection, or -1 if unknown. Valid until closing().
  int socket(const Connection* connection) const;
  // Ends every connection, including those that no thread has taken.
  void end_all();
  // After CivetWeb has stopped: closes the connections that no thread has taken, which CivetWeb leaves open.
  void close_remaining();
  // Called around CivetWeb's close(): between the two, no descriptor of a connection is accessed. `connection`
  // may be null.
  void closing(const Connection* connection) RCACHED_THREAD_ANNOTATION(acquire_capability(closing_mutex_));
  void closed() RCACHED_THREAD_ANNOTATION(release_capability(closing_mutex_));

 private:
  struct Pending {  // accepted, request not yet read: waits for a thread, or a thread is reading it
    Clock::time_point since;
    bool dropped = false;
  };
  using Peer = std::pair<std::string, std::uint16_t>;

  void run();
  bool crowded() const REQUIRES(mutex_) { return connections_.size() >= options_.workers; }
  bool any_active() const REQUIRES(mutex_);
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
  // the guard's thread waits until a connection becomes active
  bool asleep_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rcached
