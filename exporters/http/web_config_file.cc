// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/web_config_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace rcached {
namespace {

using namespace std::chrono_literals;

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

}  // namespace

Expected<std::shared_ptr<WebConfigFile>> WebConfigFile::open(const std::string& path, unsigned waiting,
                                                             Log log, std::shared_ptr<HttpMetrics> metrics) {
  std::shared_ptr<WebConfigFile> file(new WebConfigFile(path, waiting, std::move(log), std::move(metrics)));
  const MutexLock check(file->check_mutex_);
  file->seen_ = file->version();
  RCACHED_CHECK(file->read());
  const MutexLock lock(file->mutex_);
  file->next_check_ = Clock::now() + 1s;
  return file;
}

std::shared_ptr<const WebSettings> WebConfigFile::settings(Clock::time_point now) {
  {
    const MutexLock lock(mutex_);
    if (now < next_check_) return settings_;
  }
  if (check_mutex_.try_lock()) {
    const MutexLock check(check_mutex_, std::adopt_lock);
    const Version version = this->version();
    if (version != seen_) {
      seen_ = version;
      const auto done = read();
      if (metrics_) metrics_->web_config_read(done.has_value());
      log(done ? fmt::format("the web configuration has changed and is in use ({})", path_)
               : fmt::format(
                     "the web configuration has changed but is invalid, and the old one stays in use: {}; {}",
                     done.error().message, done.error().hint));
    }
    const MutexLock lock(mutex_);
    next_check_ = now + 1s;
  }
  const MutexLock lock(mutex_);
  return settings_;
}

WebConfigFile::Version WebConfigFile::version() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {info.st_ino, info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim), info.st_mode};
}

Expected<void> WebConfigFile::read() {
  RCACHED_TRY(auto loaded, load_web_config(path_));
  std::shared_ptr<const WebSettings> old;
  {
    const MutexLock lock(mutex_);
    old = settings_;
  }
  auto fresh = std::make_shared<WebSettings>();
  fresh->config = std::move(loaded);
  const WebConfig& config = fresh->config;
  if (!config.users.empty()) {
    fresh->auth = std::make_shared<BasicAuth>(config.users, waiting_);
    if ((seen_.mode & S_IROTH) != 0) {
      log(fmt::format(
          "all users of this host can read the web configuration, which contains password hashes ({}); run "
          "chmod o-r on it",
          path_));
    }
  }
  if (config.rate_limit.interval.count() > 0) {
    // An unchanged limit keeps its count.
    fresh->limiter = old && old->config.rate_limit == config.rate_limit
                         ? old->limiter
                         : std::make_shared<RateLimiter>(config.rate_limit.interval, config.rate_limit.burst);
  }
  if (old && old->config.tls != config.tls) {
    log(fmt::format("tls_server_config has changed; the change takes effect when rcached is restarted ({})",
                    path_));
  }
  const MutexLock lock(mutex_);
  settings_ = std::move(fresh);
  return {};
}

void WebConfigFile::log(std::string_view line) const {
  if (log_) log_(line);
}

}  // namespace rcached
