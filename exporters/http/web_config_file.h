// SPDX-License-Identifier: Apache-2.0
// WebConfigFile: the web configuration in use. A request checks whether the file has changed, at most once a
// second, and then reads it again. If the new version is invalid, the old one stays in use; this is logged
// once and counted.
//
// TLS is set up once, at the start: a change of that section takes effect at the next start, which is logged.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "exporters/http/basic_auth.h"
#include "exporters/http/http_metrics.h"
#include "exporters/http/rate_limiter.h"
#include "exporters/http/web_config.h"

namespace rcached {

// Immutable, except for the state inside its parts.
struct WebSettings {
  WebConfig config;
  std::shared_ptr<BasicAuth> auth;       // null: no authentication
  std::shared_ptr<RateLimiter> limiter;  // null: no limit
};

// Thread-safe.
class WebConfigFile {
 public:
  using Clock = std::chrono::steady_clock;
  using Log = std::function<void(std::string_view)>;

  // `waiting`: maximum number of requests that wait for a password check. `log` and `metrics` may be empty. Errors:
  // config.
  static Expected<std::shared_ptr<WebConfigFile>> open(const std::string& path, unsigned waiting, Log log,
                                                       std::shared_ptr<HttpMetrics> metrics);

  // Checks the file if the last check was a second ago.
  std::shared_ptr<const WebSettings> settings(Clock::time_point now = Clock::now());

 private:
  // Differs between two versions of a file.
  struct Version {
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    mode_t mode = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };

  WebConfigFile(std::string path, unsigned waiting, Log log, std::shared_ptr<HttpMetrics> metrics)
      : path_(std::move(path)), waiting_(waiting), log_(std::move(log)), metrics_(std::move(metrics)) {}

  Version version() const;
  Expected<void> read() REQUIRES(check_mutex_);
  void log(std::string_view line) const;

  const std::string path_;
  const unsigned waiting_;
  const Log log_;
  const std::shared_ptr<HttpMetrics> metrics_;
  Mutex check_mutex_;  // held by the one request that checks the file; the others do not wait
  Mutex mutex_;        // held only to copy a pointer
  Clock::time_point next_check_ GUARDED_BY(mutex_){};
  std::shared_ptr<const WebSettings> settings_ GUARDED_BY(mutex_);
  Version seen_ GUARDED_BY(check_mutex_);
};

}  // namespace rcached
