// SPDX-License-Identifier: Apache-2.0
// TextfileWriter: puts the metrics into a file for the textfile collector of node_exporter, for hosts that
// allow no further port.
//
// What differs from a scrape of /metrics: metrics that begin with process_ are left out, because
// node_exporter has its own, and the writer's own metrics are as they are once the file is in place.
//
// The file exists only while it is true. A clean end removes it, and a start removes what a killed rcached
// has left: node_exporter serves what it finds with each scrape as if it were of now, so the numbers of a
// daemon that has ended would stand in every graph and alert until somebody looks. Removed, its series end at
// the next scrape. Between a kill and the next start, and while writing fails, the file of before stays; its
// age is node_textfile_mtime_seconds of node_exporter and rcached_textfile_last_write_timestamp_seconds.
//
// Threads: start(), stop() and the destructor belong to one thread; the functions of the options are called
// from the writer's own, which runs at a lower priority than the rest. metrics() from any.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "base/error.h"
#include "exporters/textfile/prom_file.h"

namespace rcached {

struct TextfileOptions {
  std::string path;                            // config: textfile.path
  std::chrono::milliseconds interval{15'000};  // config: textfile.interval
  // Gives what to write: Prometheus text format 0.0.4 without timestamps. Null: nothing is known at the
  // moment; a file that is there is removed, and it is asked again soon.
  std::function<std::shared_ptr<const std::string>()> text;
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

  // Writes at once and then every interval. Errors: bad_path. All others may go away by themselves: they are
  // told by on_failure, counted, and the next interval tries again.
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
