// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/web_config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/kit/basic_header.h"
#include "tests/kit/temporary_folder.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;
using testing::basic_header;
using testing::bcrypt;

class WebConfigFileTest : public ::testing::Test {
 protected:
  WebConfigFileTest() { path_ = directory_ / "web.yaml"; }

  // Replaces the old file by a new one, as an editor does.
  void write(const std::string& text, mode_t mode = 0640) {
    const auto fresh = directory_ / "fresh";
    std::ofstream(fresh) << text;
    ::chmod(fresh.c_str(), mode);
    std::filesystem::rename(fresh, path_);
  }
  std::shared_ptr<WebConfigFile> open() {
    auto file = WebConfigFile::open(
        path_, 4, [this](std::string_view line) { log_.append(line) += '\n'; }, metrics_);
    EXPECT_TRUE(file.has_value()) << file.error().message;
    return file.value_or(nullptr);
  }
  // A check at a later time.
  std::shared_ptr<const WebSettings> check(WebConfigFile& file) { return file.settings(now_ += 2s); }
  double reloads(const std::string& result) {
    for (const auto& family : metrics_->Collect()) {
      for (const auto& metric : family.metric) {
        if (family.name == "rcached_http_web_config_reloads_total" && metric.label[0].value == result) {
          return metric.counter.value;
        }
      }
    }
    return -1;
  }

  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path directory_ = folder_.path();
  std::filesystem::path path_;
  std::string log_;
  std::shared_ptr<HttpMetrics> metrics_ = std::make_shared<HttpMetrics>();
  WebConfigFile::Clock::time_point now_ = WebConfigFile::Clock::now();
};

TEST_F(WebConfigFileTest, UnreadableFilesAreErrors) {
  const auto missing = WebConfigFile::open(path_, 4, {}, nullptr);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().message,
            "cannot read the web configuration: No such file or directory (" + path_.string() + ")");
  EXPECT_EQ(missing.error().hint, "create the file, or remove http.web_config");
  std::filesystem::create_directory(path_);
  EXPECT_NE(load_web_config(path_).error().message.find("Is a directory"), std::string::npos);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_NE(load_web_config(path_).error().message.find("not a regular file"), std::string::npos);
  write(std::string((1u << 20) + 1, '#'));
  EXPECT_NE(load_web_config(path_).error().message.find("larger than 1MiB"), std::string::npos);
  write("nonsense: 1\n");
  EXPECT_NE(WebConfigFile::open(path_, 4, {}, nullptr).error().message.find("unknown key"),
            std::string::npos);
}

TEST_F(WebConfigFileTest, AChangeIsAppliedAndForgetsCheckedPasswords) {
  write("basic_auth_users:\n  alice: " + bcrypt("one") + "\n");
  const auto file = open();
  const auto first = file->settings();
  EXPECT_EQ(first->auth->check(basic_header("alice", "one"), ""), BasicAuth::Verdict::good);
  EXPECT_EQ(check(*file), first) << "nothing has changed";

  write("basic_auth_users:\n  alice: " + bcrypt("two") + "\n");
  const auto second = check(*file);
  EXPECT_EQ(second->auth->check(basic_header("alice", "one"), ""), BasicAuth::Verdict::refused);
  EXPECT_EQ(second->auth->check(basic_header("alice", "two"), ""), BasicAuth::Verdict::good);
  EXPECT_NE(log_.find("has changed and is in use"), std::string::npos);
  EXPECT_EQ(reloads("success"), 1);
}

TEST_F(WebConfigFileTest, TheFileIsCheckedOnceASecond) {
  write("");
  const auto file = open();
  write("rate_limit: {interval: 1s, burst: 1}\n");
  EXPECT_EQ(file->settings(WebConfigFile::Clock::now())->limiter, nullptr);
  EXPECT_NE(check(*file)->limiter, nullptr);
}

TEST_F(WebConfigFileTest, AnInvalidVersionLeavesTheOldOneInUseAndIsLoggedOnce) {
  write("basic_auth_users:\n  alice: " + bcrypt("one") + "\n");
  const auto file = open();
  const auto good = file->settings();
  write("basic_auth_users: [\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(check(*file), good);
  EXPECT_EQ(reloads("failure"), 1);
  const auto logged = log_.find("the old one stays in use: malformed YAML");
  EXPECT_NE(logged, std::string::npos) << log_;
  EXPECT_EQ(log_.find("stays in use", logged + 40), std::string::npos) << log_;

  std::filesystem::remove(path_);
  EXPECT_EQ(check(*file), good) << "a missing file does not remove the protection";
  EXPECT_EQ(reloads("failure"), 2);
  write("");
  EXPECT_EQ(check(*file)->auth, nullptr);
}

TEST_F(WebConfigFileTest, AnUnchangedRateLimitKeepsItsCount) {
  write("rate_limit: {interval: 1h, burst: 1}\n");
  const auto file = open();
  const auto limiter = file->settings()->limiter;
  write("# touched\nrate_limit: {interval: 1h, burst: 1}\n");
  EXPECT_EQ(check(*file)->limiter, limiter);
  write("rate_limit: {interval: 1h, burst: 2}\n");
  EXPECT_NE(check(*file)->limiter, limiter);
}

TEST_F(WebConfigFileTest, WarnsIfAllUsersCanReadTheHashes) {
  write("basic_auth_users:\n  alice: " + bcrypt("one") + "\n", 0644);
  const auto file = open();
  EXPECT_NE(log_.find("chmod o-r"), std::string::npos) << log_;
  EXPECT_EQ(log_.find("$2"), std::string::npos);
  log_.clear();
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  check(*file);
  EXPECT_EQ(log_.find("chmod"), std::string::npos) << log_;
}

#ifndef RCACHED_TLS
TEST_F(WebConfigFileTest, UnsupportedTlsIsRejectedOnReloadToo) {
  write("");
  const auto file = open();
  write("tls_server_config: {cert_file: a, key_file: b}\n");
  check(*file);
  EXPECT_NE(log_.find("the old one stays in use: tls_server_config: this rcached is built without TLS"),
            std::string::npos)
      << log_;
}
#endif

}  // namespace
}  // namespace rcached
