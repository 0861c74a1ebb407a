// SPDX-License-Identifier: Apache-2.0
#include "exporters/textfile/textfile_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "exporters/prometheus/metrics_page.h"
#include "exporters/prometheus/renderer.h"
#include "tests/kit/paths.h"
#include "tests/kit/sample_view.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Text = std::vector<std::shared_ptr<const std::string>>;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TextfileWriterTest : public ::testing::Test {
 protected:
  TextfileWriterTest() {
    std::string name = (fs::temp_directory_path() / "rcached-textfile-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~TextfileWriterTest() override { fs::remove_all(directory_); }

  std::string path() const { return (directory_ / "rcached.prom").string(); }

  TextfileOptions options(std::chrono::milliseconds interval = 1ms) {
    TextfileOptions options;
    options.path = path();
    options.interval = interval;
    options.text = [this] {
      const std::lock_guard lock(mutex_);
      ++asked_;
      changed_.notify_all();
      if (throws_) throw std::runtime_error("no memory");
      return text_;
    };
    options.on_failure = [this](const Error& error) {
      const std::lock_guard lock(mutex_);
      failures_.push_back(error);
      changed_.notify_all();
    };
    options.on_recovery = [this] {
      const std::lock_guard lock(mutex_);
      ++recoveries_;
      changed_.notify_all();
    };
    return options;
  }

  void set_text(const std::string& text) {
    const std::lock_guard lock(mutex_);
    text_ = {std::make_shared<const std::string>(text)};
  }
  void set_no_text() {
    const std::lock_guard lock(mutex_);
    text_.clear();
  }

  // Waits for `condition`, which may access the members that follow; false after testing::kHang.
  template <typename Condition>
  bool eventually(Condition condition) {
    std::unique_lock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + testing::kHang;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      changed_.wait_for(lock, 5ms);
    }
    return true;
  }
  bool asked_again(int times) {
    int before = 0;
    {
      const std::lock_guard lock(mutex_);
      before = asked_;
    }
    return eventually([&] { return asked_ >= before + times; });
  }

  static std::string metrics(const TextfileWriter& writer) {
    return scrape_text({.instruments = writer.metrics()->Collect()}, MetricsFormat::text);
  }
  // The value of a series in the text; -1 if absent.
  static double value(const std::string& text, const std::string& series) {
    const auto at = ("\n" + text).find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size()));
  }

  fs::path directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Text text_ = {std::make_shared<const std::string>("iova_a 1\n")};
  bool throws_ = false;
  int asked_ = 0;
  std::vector<Error> failures_;
  int recoveries_ = 0;
  std::unique_ptr<MetricsPage> page_;
};

constexpr const char* kOk = "rcached_textfile_writes_total{result=\"ok\"}";
constexpr const char* kError = "rcached_textfile_writes_total{result=\"error\"}";
constexpr const char* kLast = "rcached_textfile_last_write_timestamp_seconds";

TEST_F(TextfileWriterTest, WritesRepeatedlyAndRemovesTheFileOnStop) {
  TextfileWriter writer(options());
  EXPECT_EQ(value(metrics(writer), kOk), 0);
  EXPECT_EQ(value(metrics(writer), kError), 0);
  EXPECT_EQ(value(metrics(writer), kLast), -1) << "absent before the first write";
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(eventually([&] { return read(path()).find("\niova_a 1\n") != std::string::npos; }));
  set_text("iova_a 2\n");
  ASSERT_TRUE(eventually([&] { return read(path()).find("\niova_a 2\n") != std::string::npos; }));
  EXPECT_GE(value(metrics(writer), kLast), 1.7e9);
  writer.stop();
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_TRUE(fs::is_empty(directory_));
  EXPECT_TRUE(failures_.empty());
  EXPECT_EQ(recoveries_, 0);
}

TEST_F(TextfileWriterTest, TheFileCountsItsOwnWrite) {
  // One write only: the next is an hour away, and stop() does not wait for it.
  TextfileWriter writer(options(1h));
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(eventually([&] { return fs::exists(path()) && value(metrics(writer), kOk) == 1; }));
  const std::string text = read(path());
  EXPECT_EQ(value(text, kOk), 1);
  EXPECT_EQ(value(text, kError), 0);
  EXPECT_EQ(value(text, kLast), value(metrics(writer), kLast));
  EXPECT_GE(value(text, kLast), 1.7e9);
  const auto begun = std::chrono::steady_clock::now();
  writer.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30min);
}

TEST_F(TextfileWriterTest, WithoutTextNothingIsWrittenAndAStaleFileIsRemoved) {
  set_no_text();
  std::ofstream(path()) << kPromFileHeader << "iova_a 0\n";
  TextfileWriter writer(options());
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(asked_again(2));
  EXPECT_FALSE(fs::exists(path())) << "the file of a killed rcached";
  EXPECT_EQ(value(metrics(writer), kOk) + value(metrics(writer), kError), 0);
  set_text("iova_a 1\n");
  ASSERT_TRUE(eventually([&] { return fs::exists(path()); }));
  set_no_text();
  ASSERT_TRUE(eventually([&] { return !fs::exists(path()); }));
  EXPECT_TRUE(failures_.empty());
}

TEST_F(TextfileWriterTest, AFailureIsReportedOnceAndCountedEachTime) {
  fs::remove(directory_);
  TextfileWriter writer(options());
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(asked_again(5));
  fs::create_directory(directory_);
  ASSERT_TRUE(eventually([&] { return recoveries_ == 1 && fs::exists(path()); }));
  EXPECT_GE(value(metrics(writer), kError), 4);
  {
    const std::lock_guard lock(mutex_);
    // From clear() at the start, and from the writes.
    ASSERT_EQ(failures_.size(), 2u);
    for (const Error& failure : failures_) EXPECT_EQ(failure.code, ErrorCode::not_found);
    EXPECT_NE(failures_.back().message.find(path()), std::string::npos);
  }
  ASSERT_TRUE(asked_again(3));
  EXPECT_EQ(recoveries_, 1);
}

TEST_F(TextfileWriterTest, AnExceptionFromTextIsAFailure) {
  throws_ = true;
  TextfileWriter writer(options());
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(eventually([&] { return !failures_.empty(); }));
  {
    const std::lock_guard lock(mutex_);
    EXPECT_NE(failures_[0].message.find("no memory"), std::string::npos) << failures_[0].message;
    throws_ = false;
  }
  EXPECT_TRUE(eventually([&] { return recoveries_ == 1; }));
}

TEST_F(TextfileWriterTest, AForeignFileIsLeftUnchanged) {
  std::ofstream(path()) << "apt_upgrades_pending 3\n";
  TextfileWriter writer(options());
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(asked_again(3));
  writer.stop();
  EXPECT_EQ(read(path()), "apt_upgrades_pending 3\n");
  ASSERT_FALSE(failures_.empty());
  EXPECT_EQ(failures_[0].code, ErrorCode::foreign_file);
}

TEST_F(TextfileWriterTest, ABadPathIsRejectedAtStart) {
  TextfileOptions bad = options();
  bad.path = "metrics.txt";
  TextfileWriter writer(bad);
  const auto started = writer.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::config);
}

TEST_F(TextfileWriterTest, CanBeStartedAgain) {
  TextfileWriter writer(options());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(writer.start());
    EXPECT_TRUE(writer.start()) << "already running";
    ASSERT_TRUE(eventually([&] { return fs::exists(path()); }));
    writer.stop();
    writer.stop();
    EXPECT_FALSE(fs::exists(path()));
  }
}

// A service may run with LimitFSIZE=: the kernel then sends a signal that would end the daemon.
TEST_F(TextfileWriterTest, TheFileSizeLimitDoesNotKillTheProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    set_text("iova_a{x=\"" + std::string(10'000, 'x') + "\"} 1\n");
    TextfileWriter writer(options());
    const bool reported = writer.start() && eventually([&] { return !failures_.empty(); }) &&
                          failures_[0].code == ErrorCode::no_space;
    writer.stop();
    ::_exit(reported && fs::is_empty(directory_) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

TEST_F(TextfileWriterTest, ACompleteFilePassesPromtoolWithoutProcessMetrics) {
  TextfileWriter writer([this] {
    TextfileOptions with_page = options(1h);
    with_page.text = [this] {
      auto text = page_->text(MetricsFormat::text, kNotInTextfile);
      return Text{text->view, std::make_shared<const std::string>(text->own)};
    };
    return with_page;
  }());
  page_ = std::make_unique<MetricsPage>(
      std::make_shared<testing::SettableSource>(testing::sample_view(kProfile61)),
      MetricsOptions{.instruments = {writer.metrics()}, .series = {.per_cpu = true}});
  ASSERT_TRUE(writer.start());
  ASSERT_TRUE(eventually([&] { return fs::exists(path()); }));
  const std::string printed = (directory_ / "printed").string();
  const int status =
      std::system(("'" RCACHED_PROMTOOL "' check metrics <'" + path() + "' >'" + printed + "' 2>&1").c_str());
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read(printed), "");
  const std::string text = read(path());
  EXPECT_NE(text.find("\niova_tree_ranges{domain=\"4\"} "), std::string::npos);
  EXPECT_NE(text.find("\niova_rcache_cpu_ranges{"), std::string::npos);
  EXPECT_EQ(text.find("process_open_fds"), std::string::npos);
  EXPECT_EQ(value(text, kOk), 1) << "its own metrics including this write, not those of the page";
  EXPECT_EQ(text.find(kOk), text.rfind(kOk)) << "once";
}

}  // namespace
}  // namespace rcached
