// SPDX-License-Identifier: Apache-2.0
// TextfileWriter: puts the metrics into a file for the textfile collector of node_exporter, for hosts that
// allow no further port.
//
// What differs from a scrape of /metrics: metrics that begin with process_ are left out, because
// node_exporter has its own, and the writer's own metrics are as they are once the file is in place.
//
// The file exists only while it is true. A clean shutdown removes it, and a start removes what a killed
// rcached has left: node_exporter serves the file's content at each scrape as if it were current, so the
// numbers of a daemon that has ended would stay in every graph and alert. Once the file is removed, its
// series end at the next scrape. Between a kill and the next start, and while writing fails, the previous
// file stays; its age is node_textfile_mtime_seconds of node_exporter and
// rcached_textfile_last_write_timestamp_seconds.
//
// Threads: start(), stop() and the destructor belong to one thread; the functions of the options are called
// from the writer's own, which runs at a lower priority than the rest. metrics() from any.
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

// Beginnings of the names of the metrics that the text of TextfileOptions must not have.
inline const std::vector<std::string_view> kNotInTextfile = {"process_", "rcached_textfile_"};

struct TextfileOptions {
  std::string path;                            // config: textfile.path
  std::chrono::milliseconds interval{15'000};  // config: textfile.interval
  // Gives what to write, in pieces: Prometheus text format 0.0.4 without timestamps and without the metrics
  // of kNotInTextfile. No piece: nothing is known at the moment; a file that is present is removed, and it is
  // asked again soon.
  std::function<std::vector<std::shared_ptr<const std::string>>()> text;
  // Called when writing fails, once for each new reason, and when it works again. May be empty.
  std::function<void(const Error&)> on_failure = {};
  std::function<void()> on_recovery = {};
};

class TextfileWriter {
 public:
  explicit TextfileWriter(TextfileOptions options);
  ~TextfileWriter();  // stops
  TextfileWriter(const TextfileWriter&) = delete;
  TextfileWriter& operator=(const TextfileWriter&) = delete;

  // Writes at once and then every interval. Errors: config (a bad path). All others may go away by
  // themselves: they are reported to on_failure, counted, and the next interval tries again.
  Expected<void> start();

  // Between writes, after the one that is due. Any thread.
  void set_interval(std::chrono::milliseconds interval);

  // Waits for a write that is under way, and removes the file. Does nothing when not started.
  void stop();

  // rcached_textfile_writes_total{result} and, after the first write,
  // rcached_textfile_last_write_timestamp_seconds.
  std::shared_ptr<prometheus::Collectable> metrics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rcached
