// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scrape_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

namespace rcached::bench {
namespace {

using Clock = std::chrono::steady_clock;

// The parts of a response that a scraper keeps: its head and its length.
struct Answer {
  bool complete = false;
  std::uint64_t bytes = 0;
};

Answer read_answer(int fd, std::vector<char>& buffer) {
  Answer answer;
  std::string head;
  std::uint64_t expected = 0;
  for (ssize_t n = 0; (n = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
    answer.bytes += static_cast<std::uint64_t>(n);
    if (expected != 0) continue;
    head.append(buffer.data(), static_cast<std::size_t>(n));
    const auto end = head.find("\r\n\r\n");
    const auto length = head.find("Content-Length: ");
    if (end == std::string::npos || length == std::string::npos || !head.starts_with("HTTP/1.1 200 "))
      continue;
    std::from_chars(head.data() + length + 16, head.data() + head.size(), expected);
    expected += end + 4;
  }
  answer.complete = expected != 0 && answer.bytes == expected;
  return answer;
}

Answer scrape(std::uint16_t port, const std::string& request, std::vector<char>& buffer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval timeout{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Answer answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    answer = read_answer(fd, buffer);
  }
  ::close(fd);
  return answer;
}

// At least `least` times.
LoadResult scrape_until(Clock::time_point end, std::uint16_t port, const std::string& request,
                        std::size_t least) {
  LoadResult result;
  std::vector<char> buffer(std::size_t{1} << 18);
  while (result.ms.size() < least || Clock::now() < end) {
    const auto start = Clock::now();
    const Answer answer = scrape(port, request, buffer);
    result.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    result.bytes += answer.bytes;
    if (!answer.complete) ++result.failed;
  }
  return result;
}

void write_all(int fd, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size != 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n <= 0) ::_exit(1);
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

bool read_all(int fd, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  while (size != 0) {
    const ssize_t n = ::read(fd, at, size);
    if (n <= 0) return false;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

[[noreturn]] void run_child(int go, int results, std::uint16_t port, unsigned scrapers,
                            std::chrono::seconds time, const std::string& request) {
  char start = 0;
  if (!read_all(go, &start, 1)) ::_exit(0);  // the benchmark has ended
  const LoadResult first = scrape_until(Clock::now(), port, request, 1);
  write_all(results, first.ms.data(), sizeof(double));
  std::vector<LoadResult> each(scrapers);
  std::vector<std::thread> threads;
  const auto end = Clock::now() + time;
  for (LoadResult& result : each) {
    threads.emplace_back([&result, end, port, &request] { result = scrape_until(end, port, request, 0); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const LoadResult& result : each) {
    const std::uint64_t count = result.ms.size();
    write_all(results, &count, sizeof count);
    write_all(results, result.ms.data(), count * sizeof(double));
    write_all(results, &result.bytes, sizeof result.bytes);
    write_all(results, &result.failed, sizeof result.failed);
  }
  ::_exit(0);
}

}  // namespace

ScrapeLoad::ScrapeLoad(std::uint16_t port, unsigned scrapers, std::chrono::seconds time,
                       std::string headers) {
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
  std::array<int, 2> go{};
  std::array<int, 2> results{};
  if (::pipe2(go.data(), 0) != 0 || ::pipe2(results.data(), 0) != 0) throw std::runtime_error("pipe2 failed");
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ == 0) {
    ::close(go[1]);
    ::close(results[0]);
    run_child(go[0], results[1], port, scrapers, time, request);
  }
  ::close(go[0]);
  ::close(results[1]);
  go_ = go[1];
  results_ = results[0];
}

ScrapeLoad::~ScrapeLoad() {
  ::close(go_);
  ::close(results_);
  ::waitpid(child_, nullptr, 0);
}

void ScrapeLoad::start() { write_all(go_, "g", 1); }

LoadResult ScrapeLoad::finish() {
  LoadResult all;
  if (!read_all(results_, &all.first_ms, sizeof all.first_ms))
    throw std::runtime_error("the scrapers ended early");
  std::uint64_t count = 0;
  while (read_all(results_, &count, sizeof count)) {
    const std::size_t before = all.ms.size();
    all.ms.resize(before + count);
    std::uint64_t bytes = 0;
    std::uint64_t failed = 0;
    if (!read_all(results_, all.ms.data() + before, count * sizeof(double)) ||
        !read_all(results_, &bytes, sizeof bytes) || !read_all(results_, &failed, sizeof failed)) {
      throw std::runtime_error("the scrapers ended early");
    }
    all.bytes += bytes;
    all.failed += failed;
  }
  if (all.ms.empty()) throw std::runtime_error("the scrapers ended early");
  return all;
}

}  // namespace rcached::bench
