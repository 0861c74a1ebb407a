// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/input_log.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "daemon/source/translate.h"

namespace rcached {
namespace {

// Work that the kernel does on a domain in use: an event of it alone is no sign of a domain, but of one that has just
// ended (a reclaim worker may outlast put_iova_domain).
bool comes_after_others(OperationKind kind) {
  return kind == OperationKind::magazine_free || kind == OperationKind::cpu_flush ||
         kind == OperationKind::reclaim || kind == OperationKind::fq_drain;
}

}  // namespace

InputLog::InputLog(EventSource& source, std::size_t shards, bool announce)
    : source_(source), announce_(announce), out_(shards) {}

void InputLog::drain(std::uint64_t now_ns, std::uint64_t limit_ns) {
  begin_drain();
  end_drain(now_ns, source_.poll([this](auto events) { append(events); }, limit_ns));
}

void InputLog::flush(std::uint64_t now_ns) {
  begin_drain();
  source_.flush([this](auto events) { append(events); });
  end_drain(now_ns, now_ns);
}

void InputLog::begin_drain() { loss_checked_ = malformed_noted_ = false; }

void InputLog::append(std::span<const rcached_event> events) {
  for (const rcached_event& event : events) {
    if (!readings_.empty() && readings_.front().time_ns < event.time_ns) place_readings_until(event.time_ns);
    append(event);
  }
}

void InputLog::end_drain(std::uint64_t now_ns, std::uint64_t complete_until_ns) {
  place_readings_until(complete_until_ns);
  name_domains();
  status_now_.complete_until_ns = std::max(status_now_.complete_until_ns, complete_until_ns);
  if (last_drain_ns_ != 0 && now_ns > last_drain_ns_)
    status_now_.longest_gap_ns = std::max(status_now_.longest_gap_ns, now_ns - last_drain_ns_);
  last_drain_ns_ = now_ns;
  if (std::exchange(tick_requested_, false)) {
    add_to_all(Tick{status_now_.complete_until_ns});
    ticked_ = true;
  }
  publish();
}

void InputLog::place_readings_until(std::uint64_t time_ns) {
  while (!readings_.empty() && readings_.front().time_ns < time_ns) {
    Reading& reading = readings_.front();
    batch_of(reading.id).add(std::move(reading.input));
    readings_.pop_front();
  }
}

void InputLog::write(std::uint64_t id, std::uint64_t time_ns, Input input) {
  if (time_ns == 0) return batch_of(id).add(std::move(input));
  if (time_ns < status_now_.complete_until_ns) {  // too late: what was read has been overtaken
    if (auto* piece = std::get_if<PieceRead>(&input)) piece->piece = NotReadable{};
  }
  auto at = readings_.end();
  while (at != readings_.begin() && std::prev(at)->time_ns > time_ns) --at;
  readings_.insert(at, {time_ns, id, std::move(input)});
}

void InputLog::add_to_all(const Input& input) {
  for (InputBatch& batch : out_) batch.add(input);
}

void InputLog::append(const rcached_event& event) {
  auto operation = to_operation(event);
  if (!operation) {
    ++status_now_.malformed;
    if (!std::exchange(malformed_noted_, true)) note_loss_of_all();
    return;
  }
  ++status_now_.events;
  if (operation->after_loss) {
    operation->after_loss = false;
    if (!std::exchange(loss_checked_, true)) note_loss(source_.lost());
  }
  if (is_failed_reserve(event)) return;  // nothing to apply
  if (event.domain == 0) {
    ++status_now_.unattributed_fq_drains;
    return;
  }
  if (const auto id = domain_of(event, *operation)) batch_of(*id).add(*id, *operation);
}

// nullopt: no domain needs this event.
std::optional<std::uint64_t> InputLog::domain_of(const rcached_event& event, const Operation& operation) {
  const auto id = registry_.seen(event.domain);
  const bool is_init = operation.kind == OperationKind::domain_init;
  if (operation.kind == OperationKind::domain_put) {
    if (id) end_domain(event.domain, id->id);
    return std::nullopt;
  }
  // The init of a domain that a discovery found before is that domain's own; after other events it is a new domain at
  // the address of a live one, whose end was missed.
  if (id && (!is_init || id->first)) return id->id;
  if (id) end_domain(event.domain, id->id);
  if (!id && comes_after_others(operation.kind)) return std::nullopt;
  const std::uint64_t added = registry_.add(event.domain, is_init ? event.arg : 0);
  registry_.seen(event.domain);
  ++wanted_;
  domains_changed_ = true;
  return added;
}

void InputLog::end_domain(std::uint64_t key, std::uint64_t id) {
  std::erase_if(readings_, [id](const Reading& reading) { return reading.id == id; });
  registry_.retire(key);
  batch_of(id).add(DomainGone{id});
  domains_changed_ = true;
}

void InputLog::note_loss(const LostEvents& lost) {
  const std::uint64_t lost_now = lost.total - std::min(lost_.total, lost.total);
  if (lost_now == 0) return;  // noted already, perhaps from a later count
  std::uint64_t charged = 0;
  std::array<bool, RCACHED_LOSS_BUCKETS> doubted{};
  for (std::size_t i = 0; i < doubted.size(); ++i) {
    charged += lost.by_bucket[i] - std::min(lost_.by_bucket[i], lost.by_bucket[i]);
    doubted[i] = lost.by_bucket[i] > lost_.by_bucket[i];
    lost_.by_bucket[i] = std::max(lost_.by_bucket[i], lost.by_bucket[i]);
  }
  lost_.total = lost.total;
  if (charged < lost_now) return note_loss_of_all();
  for (const LiveDomain& domain : registry_.live()) {
    if (doubted[rcached_loss_bucket(domain.key)]) batch_of(domain.id).add(OperationsLost{domain.id});
  }
  doubts_begin();
}

void InputLog::note_loss_of_all() {
  add_to_all(OperationsLost{});
  doubts_begin();
}

void InputLog::doubts_begin() {
  losses_.fetch_add(1, std::memory_order_relaxed);
  ++wanted_;  // a domain may have appeared or vanished unnoticed
  domains_changed_ = true;
}

void InputLog::take(const StreamNews& news) {
  note_loss(news.lost);
  if (news.lost_otherwise > lost_otherwise_) note_loss_of_all();
  lost_otherwise_ = std::max(lost_otherwise_, news.lost_otherwise);
  if (news.silent != silent_) {
    silent_ = news.silent;
    add_to_all(BlindnessChanged{silent_});
    doubts_begin();
  }
  if (news.online_cpus != online_cpus_) {
    online_cpus_ = news.online_cpus;
    add_to_all(CpusChanged{online_cpus_});
  }
}

void InputLog::take(const Discovery& discovery) {
  for (const std::uint64_t id : registry_.update(discovery.domains, discovery.groups)) {
    if (announce_) batch_of(id).add(DomainFound{id});
  }
  if (discovery.complete) {
    for (const std::uint64_t key : registry_.vanished(discovery.domains))
      end_domain(key, *registry_.find(key));
  }
  name_domains();
  ++discoveries_;
  domains_changed_ = true;
  publish();
}

// Names follow the event or the discovery that made the domain, in the same batch.
void InputLog::name_domains() {
  for (DomainInfo& info : registry_.take_renamed()) {
    const std::uint64_t id = info.id;
    batch_of(id).add(DomainNamed{std::move(info)});
  }
}

void InputLog::publish() {
  const MutexLock lock(mutex_);
  status_ = status_now_;
  if (!std::exchange(domains_changed_, false)) return;
  domains_ = std::make_shared<const DomainList>(
      DomainList{registry_.live(), discoveries_, wanted_, registry_.has_unnamed()});
}

std::shared_ptr<const DomainList> InputLog::domains() const {
  const MutexLock lock(mutex_);
  return domains_;
}

InputLog::Status InputLog::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

}  // namespace rcached
