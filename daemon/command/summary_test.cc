// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/summary.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <thread>

namespace rcached {
namespace {

constexpr std::uint64_t kNow = 60'000'000'000;

View view_of(std::size_t domains) {
  View view;
  view.status.source = "kernel";
  view.status.events = 1234;
  view.status.cpus = {{.cpu = 0, .sent = 10, .received = 7, .ring_full = 3, .entry_missing = 0}};
  for (std::size_t i = 0; i < domains; ++i) {
    DomainSnapshot state;
    state.id = i + 1;
    state.outstanding = 10;
    state.cpu_cached = 20;
    state.depot_cached = 127;
    state.tree_ranges = 158 + i;
    state.confidence = i == 0 ? Confidence::resynced : Confidence::lossy;
    state.audit.resynced_ns = kNow - 7'000'000'000;
    if (i == 0) {
      state.fq_pending = 4;
      state.outstanding_before_start = 3;
    }
    view.snapshot.domains.push_back(state);
    DomainInfo info;
    info.id = i + 1;
    info.label = std::to_string(i);
    info.devices = i == 0 ? "0000:00:03.0" : "0000:00:03.0,0000:00:04.0";
    view.domains.push_back(info);
  }
  return view;
}

TEST(Summary, OneRowPerDomain) {
  EXPECT_EQ(
      format_summary(view_of(2), 10, kNow),
      "source kernel, 2 domains, 1234 events, 3 lost\n"
      "domain     devices                outstanding before start      fq    cached     depot      tree  "
      "confidence\n"
      "0          0000:00:03.0                    10            3       4        20       127       158  "
      "resynced 7 s ago\n"
      "1          0000:00:03.0,0000:0...          10            0       -        20       127       159  "
      "lossy\n");
}

TEST(Summary, ShowsTheLargestTreesWhenThereAreTooMany) {
  const std::string text = format_summary(view_of(5), 2, kNow);
  EXPECT_NE(text.find("\n4 "), std::string::npos) << text;
  EXPECT_NE(text.find("\n3 "), std::string::npos) << text;
  EXPECT_EQ(text.find("\n2 "), std::string::npos) << text;
  EXPECT_NE(text.find("... and 3 smaller domains\n"), std::string::npos);
}

TEST(Summary, NoDomainYet) {
  EXPECT_EQ(format_summary(view_of(0), 10, kNow).substr(0, 25), "source kernel, 0 domains,");
}

TEST(Summary, StopsOnAClosedPipe) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::FILE* out = fdopen(ends[1], "w");
  SummaryPrinter printer(out);
  EXPECT_TRUE(printer.print(view_of(1)));
  close(ends[0]);
  EXPECT_FALSE(printer.print(view_of(1)));
  std::fclose(out);
}

// A pipe that is full at the start, so that writers block until it is read.
class FullPipe {
 public:
  FullPipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
    read_ = ends[0];
    out_ = fdopen(ends[1], "w");
    const std::string block(4096, '.');
    while (::write(ends[1], block.data(), block.size()) > 0) filled_ += block.size();
    fcntl(ends[1], F_SETFL, 0);  // blocks
    fcntl(read_, F_SETFL, 0);
  }
  ~FullPipe() { close_reader(); }  // the write end stays open: a thread may use it

  std::FILE* out() const { return out_; }
  void close_reader() {
    if (read_ >= 0) close(read_);
    read_ = -1;
  }
  // Data after the initial fill, up to and including `last`.
  std::string read_until(const std::string& last) {
    std::string text;
    while (text.size() < filled_ || text.find(last, filled_) == std::string::npos) {
      char block[4096];
      const ssize_t size = ::read(read_, block, sizeof block);
      if (size <= 0) break;
      text.append(block, static_cast<std::size_t>(size));
    }
    return text.substr(std::min(filled_, text.size()));
  }

 private:
  int read_ = -1;
  std::FILE* out_ = nullptr;
  std::size_t filled_ = 0;
};

TEST(Summary, ANewViewReplacesAnUnprintedOne) {
  FullPipe pipe;
  SummaryThread summary(pipe.out(), "first line\n");
  for (const std::size_t domains : {1, 2, 3}) {
    EXPECT_TRUE(summary.show(std::make_shared<const View>(view_of(domains))));
  }
  const std::string text = pipe.read_until("\n\n");
  EXPECT_EQ(text.find("first line\nsource kernel, 3 domains,"), 0u) << text;
}

TEST(Summary, ExitDoesNotWaitForABlockedOutput) {
  std::signal(SIGPIPE, SIG_IGN);
  FullPipe pipe;
  {
    SummaryThread summary(pipe.out(), "first line\n");
    EXPECT_TRUE(summary.show(std::make_shared<const View>(view_of(1))));
  }
  SummaryThread other(pipe.out(), "");
  pipe.close_reader();  // wakes the threads that write
  while (other.show(std::make_shared<const View>(view_of(1)))) std::this_thread::yield();
}

}  // namespace
}  // namespace rcached
