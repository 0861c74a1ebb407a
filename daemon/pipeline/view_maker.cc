// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/view_maker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace rcached {

StreamNews ViewMaker::look() {
  status_ = source_.status();
  kernel_ = source_.kernel_info();
  note_silence();
  StreamNews news;
  news.lost = source_.lost();
  news.lost_otherwise = status_.malformed + events_lost({}, status_.programs);
  news.silent = silence_.has_value();
  news.online_cpus = kernel_.online_cpus;
  return news;
}

void ViewMaker::note_silence() {
  if (silence_ == status_.silence) return;
  silence_ = status_.silence;
  if (silence_) {
    spdlog::error("{}; {}. No figure is exact until then", silence_->message, silence_->hint);
  } else {
    spdlog::info("the kernel runs the probes again; the mirror is read again");
  }
}

View ViewMaker::make(std::vector<SnapshotPart> parts, const InputLog::Status& log, const ReaderStatus& reader,
                     std::uint64_t backlog) const {
  View view;
  view.snapshot.profile = kernel_.profile;
  std::vector<std::shared_ptr<const DomainSnapshot>> domains;
  for (SnapshotPart& part : parts) {
    view.snapshot.time_ns = std::max(view.snapshot.time_ns, part.snapshot.time_ns);
    domains.insert(domains.end(), part.snapshot.domains.shared().begin(),
                   part.snapshot.domains.shared().end());
    std::move(part.infos.begin(), part.infos.end(), std::back_inserter(view.domains));
  }
  std::sort(domains.begin(), domains.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  view.snapshot.domains = SharedList<DomainSnapshot>(std::move(domains));
  std::sort(view.domains.begin(), view.domains.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  view.kernel = kernel_;
  view.status.source = source_.name();
  view.status.events = log.events;
  view.status.malformed = status_.malformed + log.malformed;
  view.status.unattributed_fq_drains = log.unattributed_fq_drains;
  view.status.late = status_.late;
  view.status.lag_ns = status_.lag_ns;
  view.status.backlog = backlog;
  view.status.longest_drain_gap_ns = log.longest_gap_ns;
  view.status.rings = status_.rings;
  view.status.cpus = status_.cpus;
  view.status.programs = status_.programs;
  view.status.reader = reader;
  if (silence_) {
    view.status.silence = silence_->reason;
    view.status.not_ready_reason = silence_->message + "; " + silence_->hint;
  }
  return view;
}

}  // namespace rcached
