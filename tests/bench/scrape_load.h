// SPDX-License-Identifier: Apache-2.0
// Scrapers in a process of their own, so that the server's memory can be told from theirs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace rcached::bench {

struct LoadResult {
  double first_ms = 0;     // of one scrape before all others, alone: it pays for what is done once
  std::vector<double> ms;  // of every scrape, connect to end of the answer
  std::uint64_t bytes = 0;
  std::uint64_t failed = 0;  // not 200, or shorter than it said
};

class ScrapeLoad {
 public:
  // Forks; to be called while this process has one thread.
  ScrapeLoad(std::uint16_t port, unsigned scrapers, std::chrono::seconds time, std::string headers);
  ~ScrapeLoad();
  ScrapeLoad(const ScrapeLoad&) = delete;
  ScrapeLoad& operator=(const ScrapeLoad&) = delete;

  // The server listens. One scrape, then each scraper scrapes without a pause until the time is over.
  void start();
  // Waits for the end.
  LoadResult finish();

 private:
  pid_t child_ = -1;
  int go_ = -1;       // written to by start()
  int results_ = -1;  // what the child reports
};

}  // namespace rcached::bench
