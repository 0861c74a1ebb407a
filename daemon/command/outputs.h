// SPDX-License-Identifier: Apache-2.0
// Outputs: all exporters of a running daemon, made from its configuration: the HTTP server with all its
// routes, and the textfile for node_exporter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "daemon/config/config.h"
#include "exporters/http/http_server.h"
#include "exporters/prometheus/metrics_page.h"
#include "exporters/textfile/textfile_writer.h"
#include "view/view.h"

namespace rcached {

// Prepared before the probes are attached: if listening is impossible, no probe is attached.
struct OutputPreparations {
  std::vector<int> activated_sockets;  // from the service manager
  UniqueFd bound;                      // to http.listen; none with activated sockets
};
// Errors: config, port_taken.
Expected<OutputPreparations> prepare_outputs(const Config& config, std::vector<int> activated_sockets);

// start(), stop() and the destructor belong to one thread.
class Outputs {
 public:
  // `more`: registries of other parts of the daemon, for /metrics and the textfile.
  Outputs(const Config& config, OutputPreparations preparations,
          const std::shared_ptr<const ViewSource>& source,
          std::vector<std::shared_ptr<prometheus::Collectable>> more);
  ~Outputs() { stop(); }  // before members are destroyed: the textfile's thread uses the page
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  // Errors: those of the HTTP server, and config for a textfile that cannot be written.
  Expected<void> start();
  // Applies the reloadable settings.
  void tune(const Config& config);
  // Does nothing when not started or already stopped.
  void stop();

  std::string url() const { return server_->url(); }

 private:
  std::vector<std::shared_ptr<const std::string>> text() const;

  std::optional<TextfileWriter> textfile_;
  std::shared_ptr<MetricsPage> page_;
  std::optional<HttpServer> server_;
};

}  // namespace rcached
