// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/reload.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace rcached {
namespace {

std::string list(const std::vector<ConfigChange>& changes, bool reloadable) {
  std::string out;
  for (const ConfigChange& change : changes) {
    if (change.reloadable() != reloadable) continue;
    out += fmt::format("{}{} from {} to {}", out.empty() ? "" : ", ", change.key->path, change.before,
                       change.after);
  }
  return out;
}

}  // namespace

Reloader::Reloader(ConfigRequest request, Config running, std::function<void(const Config&)> apply)
    : request_(std::move(request)),
      running_(std::move(running)),
      apply_(std::move(apply)),
      good_(prometheus::BuildCounter()
                .Name("rcached_config_reloads_total")
                .Register(*registry_)
                .Add({{"result", "success"}})),
      bad_(prometheus::BuildCounter()
               .Name("rcached_config_reloads_total")
               .Register(*registry_)
               .Add({{"result", "failure"}})),
      last_successful_(prometheus::BuildGauge()
                           .Name("rcached_config_last_reload_successful")
                           .Register(*registry_)
                           .Add({})),
      last_success_(prometheus::BuildGauge()
                        .Name("rcached_config_last_reload_success_timestamp_seconds")
                        .Register(*registry_)
                        .Add({})) {
  succeeded();
}

bool Reloader::reload() {
  const auto loaded = load_config(request_);
  if (!loaded) return refused(loaded.error());
  const auto changes = changed_keys(running_, loaded->config);
  if (const std::string fixed = list(changes, false); !fixed.empty()) {
    return refused({ErrorCode::config, fmt::format("a reload cannot change {}", fixed),
                    "restart rcached, or revert the change"});
  }
  apply_(loaded->config);
  running_ = loaded->config;
  good_.Increment();
  succeeded();
  const std::string changed = list(changes, true);
  spdlog::info("configuration reloaded from {}: {}", loaded->summary(),
               changed.empty() ? "no change" : changed);
  return true;
}

bool Reloader::refused(const Error& error) {
  bad_.Increment();
  last_successful_.Set(0);
  spdlog::error("configuration not reloaded, the old one remains in use: {}; {}", error.message, error.hint);
  return false;
}

void Reloader::succeeded() {
  last_successful_.Set(1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  last_success_.Set(static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
}

}  // namespace rcached
