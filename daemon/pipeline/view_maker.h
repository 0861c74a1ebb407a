// SPDX-License-Identifier: Apache-2.0
// ViewMaker: joins the snapshots of the shards, the names of the domains and the counts of the source into a View,
// and watches those counts: what the log must know of them (losses, silence) it must know before the snapshot.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "allocator/mirror.h"
#include "daemon/pipeline/input_log.h"
#include "daemon/source/event_source.h"
#include "view/view.h"

namespace rcached {

// Of one shard, after a Tick.
struct SnapshotPart {
  Snapshot snapshot;
  std::vector<DomainInfo> infos;
};

class ViewMaker {
 public:
  explicit ViewMaker(EventSource& source) : source_(source) {}

  // Asks the source. For the log, before anything else.
  StreamNews look();

  // All but what the daemon adds (version, history, ...). After look().
  View make(std::vector<SnapshotPart> parts, const InputLog::Status& log, const ReaderStatus& reader,
            std::uint64_t backlog) const;

 private:
  void note_silence();

  EventSource& source_;
  SourceStatus status_;
  KernelInfo kernel_;
  std::optional<TracingFault> silence_;
};

}  // namespace rcached
