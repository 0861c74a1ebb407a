// SPDX-License-Identifier: Apache-2.0
// Reloader: the configuration that a running daemon holds to, and what becomes of another one.
//
// All or nothing: a configuration that is wrong, or that changes a key which takes a restart, changes
// nothing. So what runs is always what one set of files says.
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
  // `apply` takes over the reloadable keys of a configuration.
  Reloader(ConfigRequest request, Config running, std::function<void(const Config &)> apply);

  // Reads the files of the request anew. False: nothing has changed, and the log says why not.
  bool reload();

  // rcached_config_reloads_total{result}, rcached_config_last_reload_successful and
  // rcached_config_last_reload_success_timestamp_seconds (that of the start counts).
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
