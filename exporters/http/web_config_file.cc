// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/web_config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "exporters/http/tls.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLargestFile = 1u << 20;

tl::unexpected<Error> unreadable(const std::string& path, std::string_view why, std::string hint) {
  return tl::unexpected(Error{ErrorCode::config,
                              fmt::format("cannot read the web configuration: {} ({})", why, printable(path)),
                              std::move(hint)});
}

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  std::string hint = "check the path";
  if (error == ENOENT || error == ENOTDIR) hint = "create the file, or remove http.web_config";
  if (error == EACCES || error == EPERM) hint = "make the file readable for the user that runs rcached";
  return unreadable(path, std::system_category().message(error), std::move(hint));
}

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

}  // namespace

Expected<WebConfig> load_web_config(const std::string& path) {
  // O_NONBLOCK: a FIFO given by mistake must not hang a request.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) return unreadable(path, errno);
  if (!S_ISREG(info.st_mode)) return unreadable(path, "it is not a regular file", "give a regular file");
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, errno);
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) return unreadable(path, "it is larger than 1 MiB", "give the right file");
  }
  RCACHED_TRY(auto config, parse_web_config(text, path));
  if (config.tls) RCACHED_CHECK(check_tls(*config.tls, path));
  return config;
}

Expected<std::shared_ptr<WebConfigFile>> WebConfigFile::open(const std::string& path, unsigned waiting,
                                                             Log log, std::shared_ptr<HttpMetrics> metrics) {
  std::shared_ptr<WebConfigFile> file(new WebConfigFile(path, waiting, std::move(log), std::move(metrics)));
  const MutexLock look(file->look_mutex_);
  file->seen_ = file->version();
  RCACHED_CHECK(file->read());
  const MutexLock lock(file->mutex_);
  file->next_look_ = Clock::now() + 1s;
  return file;
}

std::shared_ptr<const WebSettings> WebConfigFile::settings(Clock::time_point now) {
  {
    const MutexLock lock(mutex_);
    if (now < next_look_) return settings_;
  }
  if (look_mutex_.try_lock()) {
    const MutexLock look(look_mutex_, std::adopt_lock);
    const Version version = this->version();
    if (version != seen_) {
      seen_ = version;
      const auto done = read();
      if (metrics_) metrics_->web_config_read(done.has_value());
      say(done ? fmt::format("the web configuration has changed and is in force ({})", path_)
               : fmt::format("the web configuration has changed, and the old one stays in force: {}; {}",
                             done.error().message, done.error().hint));
    }
    const MutexLock lock(mutex_);
    next_look_ = now + 1s;
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
      say(fmt::format(
          "the web configuration can be read by everyone on this host, hashes of passwords included "
          "({}); take that away with chmod o-r",
          path_));
    }
  }
  if (config.rate_limit.interval.count() > 0) {
    // A limit that has not changed keeps its count.
    fresh->limiter = old && old->config.rate_limit == config.rate_limit
                         ? old->limiter
                         : std::make_shared<RateLimiter>(config.rate_limit.interval, config.rate_limit.burst);
  }
  if (old && old->config.tls != config.tls) {
    say(fmt::format("tls_server_config has changed and takes effect when rcached is started again ({})",
                    path_));
  }
  const MutexLock lock(mutex_);
  settings_ = std::move(fresh);
  return {};
}

void WebConfigFile::say(std::string_view line) const {
  if (log_) log_(line);
}

}  // namespace rcached
