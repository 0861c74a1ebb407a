// SPDX-License-Identifier: Apache-2.0
// Reloader: replaces the configuration of a running daemon.
//
// All or nothing: an invalid configuration, or one that changes a key that needs a restart, changes nothing.
// The running configuration is always that of one set of files.
//
// Threads: reload() belongs to one thread; metrics() may be collected from any.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>

#include "daemon/config/loaded_config.h"

namespace rcached {

class Reloader {
 public:
  // `apply` applies the reloadable keys of a configuration.
  Reloader(ConfigRequest request, Config running, std::function<void(const Config &)> apply);

  // Reads the files of the request again. False: refused, nothing has changed; the reason is logged.
  bool reload();

  // rcached_config_reloads_total{result}, rcached_config_last_reload_successful and
  // rcached_config_last_reload_success_timestamp_seconds (the start counts as a reload).
  std::shared_ptr<prometheus::Collectable> metrics() const { return registry_; }

 private:
  bool refused(const Error &error);
  void succeeded();

  const ConfigRequest request_;
  Config running_;
  const std::function<void(const Config &)> apply_;
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  prometheus::Counter &good_, &bad_;
  prometheus::Gauge &last_successful_, &last_success_;
};

}  // namespace rcached
