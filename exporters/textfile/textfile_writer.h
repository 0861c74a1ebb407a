// SPDX-License-Identifier: Apache-2.0
// TextfileWriter: puts the metrics into a file for the textfile collector of node_exporter, for hosts that
// allow no further port.
//
// Differences from a scrape of /metrics: metrics that begin with process_ are omitted, because node_exporter
// has its own, and the writer's own metrics already count the write of this file.
//
// The file exists only while it is current. A clean shutdown removes it, and a start removes the file of a
// killed rcached: node_exporter serves the file's content at each scrape as if it were current, so the values
// of a stopped daemon would remain in every graph and alert. Once the file is removed, its series end at the
// next scrape. Between a kill and the next start, and while writing fails, the previous file remains; its
// last write is in node_textfile_mtime_seconds of node_exporter and in
// rcached_textfile_last_write_timestamp_seconds.
//
// Threads: call start(), stop() and the destructor from one thread. The functions of the options are called
// from the writer's own thread, which runs at a lower priority than the rest. metrics() from any thread.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "exporters/textfile/prom_file.h"

namespace rcached {

// Name prefixes of metrics that the text of TextfileOptions must not contain.
inline const std::vector<std::string_view> kNotInTextfile = {"process_", "rcached_textfile_"};

struct TextfileOptions {
  std::string path;                            // config: textfile.path
  std::chrono::milliseconds interval{15'000};  // config: textfile.interval
  // Returns the text to write, in pieces: Prometheus text format 0.0.4 without timestamps and without the
  // metrics of kNotInTextfile. Empty: no data at the moment; an existing file is removed, and the function is
  // called again soon.
  std::function<std::vector<std::shared_ptr<const std::string>>()> text;
  // Called when writing fails, once for each new reason, and when it succeeds again. May be empty.
  std::function<void(const Error&)> on_failure = {};
  std::function<void()> on_recovery = {};
};

class TextfileWriter {
 public:
  explicit TextfileWriter(TextfileOptions options);
  ~TextfileWriter();  // stops
  TextfileWriter(const TextfileWriter&) = delete;
  TextfileWriter& operator=(const TextfileWriter&) = delete;

  // Writes immediately and then every interval. Errors: config (a bad path). All others may be transient: they
  // are reported to on_failure and counted, and the write is retried at the next interval.
  Expected<void> start();

  // The time between writes; takes effect after the next write. Any thread.
  void set_interval(std::chrono::milliseconds interval);

  // Waits for a write in progress, and removes the file. Does nothing if not started.
  void stop();

  // rcached_textfile_writes_total{result} and, after the first write,
  // rcached_textfile_last_write_timestamp_seconds.
  std::shared_ptr<prometheus::Collectable> metrics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rcached
