// SPDX-License-Identifier: Apache-2.0
// Scrapers in a separate process, so that the server's memory can be measured separately.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace rcached::bench {

struct LoadResult {
  double first_ms = 0;     // of a single scrape before all others: includes one-time costs
  std::vector<double> ms;  // of every scrape, from connect to the end of the response
  std::uint64_t bytes = 0;
  std::uint64_t failed = 0;  // not 200, or shorter than Content-Length
};

class ScrapeLoad {
 public:
  // Forks; must be called while this process has one thread.
  ScrapeLoad(std::uint16_t port, unsigned scrapers, std::chrono::seconds time, std::string headers);
  ~ScrapeLoad();
  ScrapeLoad(const ScrapeLoad&) = delete;
  ScrapeLoad& operator=(const ScrapeLoad&) = delete;

  // Call it once the server listens. One scrape, then each scraper scrapes without a pause until the time is over.
  void start();
  // Waits for the end.
  LoadResult finish();

 private:
  pid_t child_ = -1;
  int go_ = -1;       // start() writes to it
  int results_ = -1;  // results from the child
};

}  // namespace rcached::bench
