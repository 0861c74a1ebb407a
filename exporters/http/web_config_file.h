// SPDX-License-Identifier: Apache-2.0
// WebConfigFile: the web configuration in force. The file is looked at when a request comes, at most once a
// second, and read again when it has changed; a new version that is not good leaves the old one in force, is
// said in the log once and counted.
//
// TLS is set up once, at the start: a change of that section takes effect at the next one, which the log
// says.
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
#include <tl/expected.hpp>

#include "base/error.h"
#include "base/mutex.h"
#include "exporters/http/basic_auth.h"
#include "exporters/http/http_metrics.h"
#include "exporters/http/rate_limiter.h"
#include "exporters/http/web_config.h"

namespace rcached {

// Immutable but for what its parts keep by themselves.
struct WebSettings {
  WebConfig config;
  std::shared_ptr<BasicAuth> auth;       // null: anyone may ask
  std::shared_ptr<RateLimiter> limiter;  // null: no limit
};

// Thread-safe.
class WebConfigFile {
 public:
  using Clock = std::chrono::steady_clock;
  using Log = std::function<void(std::string_view)>;

  // `waiting`: requests that may wait for a password check. `log` and `metrics` may be empty. Errors:
  // bad_web_config.
  static Expected<std::shared_ptr<WebConfigFile>> open(const std::string& path, unsigned waiting, Log log,
                                                       std::shared_ptr<HttpMetrics> metrics);

  // Looks at the file when the last look is a second old.
  std::shared_ptr<const WebSettings> settings(Clock::time_point now = Clock::now());

 private:
  // What tells one version of a file from the next.
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
  Expected<void> read() REQUIRES(look_mutex_);
  void say(std::string_view line) const;

  const std::string path_;
  const unsigned waiting_;
  const Log log_;
  const std::shared_ptr<HttpMetrics> metrics_;
  Mutex look_mutex_;  // held while the file is looked at, by one request; the others go on
  Mutex mutex_;       // held for the copy of a pointer only
  Clock::time_point next_look_ GUARDED_BY(mutex_){};
  std::shared_ptr<const WebSettings> settings_ GUARDED_BY(mutex_);
  Version seen_ GUARDED_BY(look_mutex_);
};

}  // namespace rcached
