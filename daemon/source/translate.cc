// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/translate.h"

namespace rcached {
namespace {

static_assert(kOrderUnknown == RCACHED_ORDER_NONE);

bool well_formed(const rcached_event& event) {
  if (event.op < RCACHED_OP_ALLOC || event.op > RCACHED_OP_LAST) return false;
  if (event.cpu >= RCACHED_MAX_CPUS) return false;
  if (event.domain == 0 && event.op != RCACHED_OP_FQ_DRAIN) return false;
  if (event.order >= RCACHED_CACHED_ORDERS && event.order != RCACHED_ORDER_NONE) return false;
  switch (event.op) {
    case RCACHED_OP_MAGAZINE_FREE:
      return event.cause <= RCACHED_CAUSE_FLUSH;
    case RCACHED_OP_CPU_FLUSH:
      return event.arg < RCACHED_MAX_CPUS;
    case RCACHED_OP_RECLAIM:
      return event.order != RCACHED_ORDER_NONE;
    case RCACHED_OP_RESERVE:
      return event.arg >= event.pfn;
    default:
      return true;
  }
}

OperationKind kind_of(std::uint8_t op) { return static_cast<OperationKind>(op - RCACHED_OP_ALLOC); }
std::uint8_t op_of(OperationKind kind) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(kind) + RCACHED_OP_ALLOC);
}

// Both lists have the same order; the casts above depend on it.
static_assert(static_cast<int>(OperationKind::alloc) + 1 == RCACHED_OP_ALLOC);
static_assert(static_cast<int>(OperationKind::free) + 1 == RCACHED_OP_FREE);
static_assert(static_cast<int>(OperationKind::tree_alloc) + 1 == RCACHED_OP_TREE_ALLOC);
static_assert(static_cast<int>(OperationKind::tree_free) + 1 == RCACHED_OP_TREE_FREE);
static_assert(static_cast<int>(OperationKind::magazine_free) + 1 == RCACHED_OP_MAGAZINE_FREE);
static_assert(static_cast<int>(OperationKind::cpu_flush) + 1 == RCACHED_OP_CPU_FLUSH);
static_assert(static_cast<int>(OperationKind::reclaim) + 1 == RCACHED_OP_RECLAIM);
static_assert(static_cast<int>(OperationKind::reserve) + 1 == RCACHED_OP_RESERVE);
static_assert(static_cast<int>(OperationKind::domain_init) + 1 == RCACHED_OP_DOMAIN_INIT);
static_assert(static_cast<int>(OperationKind::domain_put) + 1 == RCACHED_OP_DOMAIN_PUT);
static_assert(static_cast<int>(OperationKind::fq_drain) + 1 == RCACHED_OP_FQ_DRAIN);
static_assert(static_cast<int>(MagazineFreeCause::overflow) == RCACHED_CAUSE_OVERFLOW);
static_assert(static_cast<int>(MagazineFreeCause::reclaim) == RCACHED_CAUSE_RECLAIM);
static_assert(static_cast<int>(MagazineFreeCause::flush) == RCACHED_CAUSE_FLUSH);

bool has(const rcached_event& event, rcached_flag flag) { return (event.flags & flag) != 0; }

}  // namespace

bool is_failed_reserve(const rcached_event& event) {
  return event.op == RCACHED_OP_RESERVE && event.size == 0;
}

std::optional<Operation> to_operation(const rcached_event& event) {
  if (!well_formed(event)) return std::nullopt;
  Operation operation;
  operation.kind = kind_of(event.op);
  operation.time_ns = event.time_ns;
  operation.pfn = event.pfn;
  operation.size = event.size;
  operation.cpu = event.cpu;
  operation.order = event.order;
  operation.served_by = has(event, RCACHED_FLAG_TREE) ? ServedBy::tree : ServedBy::cache;
  operation.overflowed = has(event, RCACHED_FLAG_OVERFLOW);
  operation.after_loss = has(event, RCACHED_FLAG_AFTER_LOSS);
  operation.has_depot_fill = has(event, RCACHED_FLAG_FILL);
  operation.has_fill = operation.has_depot_fill && !has(event, RCACHED_FLAG_DEPOT_ONLY);
  if (operation.has_depot_fill) operation.fill.depot = event.depot;
  if (operation.has_fill) {
    operation.fill.loaded = event.loaded;
    operation.fill.prev = event.prev;
  }
  switch (operation.kind) {
    case OperationKind::alloc:
      operation.limit_pfn = event.arg;
      break;
    case OperationKind::tree_alloc:
    case OperationKind::reclaim:
    case OperationKind::fq_drain:
      operation.duration_ns = event.arg;
      break;
    case OperationKind::magazine_free:
      operation.duration_ns = event.arg;
      operation.cause = static_cast<MagazineFreeCause>(event.cause);
      break;
    case OperationKind::cpu_flush:
      operation.target_cpu = static_cast<std::uint16_t>(event.arg);
      break;
    case OperationKind::reserve:
      operation.pfn_hi = event.arg;
      break;
    case OperationKind::free:
    case OperationKind::tree_free:
    case OperationKind::domain_init:
    case OperationKind::domain_put:
      break;
  }
  return operation;
}

rcached_event to_event(const Operation& operation, std::uint64_t domain, std::uint64_t granule_bytes) {
  rcached_event event{};
  event.time_ns = operation.time_ns;
  event.domain = domain;
  event.pfn = operation.pfn;
  event.size = operation.size;
  event.cpu = operation.cpu;
  event.op = op_of(operation.kind);
  event.order = operation.order;
  unsigned flags = 0;
  if (operation.served_by == ServedBy::tree) flags |= RCACHED_FLAG_TREE;
  if (operation.overflowed) flags |= RCACHED_FLAG_OVERFLOW;
  if (operation.after_loss) flags |= RCACHED_FLAG_AFTER_LOSS;
  if (operation.has_fill || operation.has_depot_fill) {
    flags |= RCACHED_FLAG_FILL;
    event.depot = operation.fill.depot;
  }
  if (operation.has_fill) {
    event.loaded = operation.fill.loaded;
    event.prev = operation.fill.prev;
  } else if (operation.has_depot_fill) {
    flags |= RCACHED_FLAG_DEPOT_ONLY;
  }
  event.flags = static_cast<std::uint8_t>(flags);
  switch (operation.kind) {
    case OperationKind::alloc:
      event.arg = operation.limit_pfn;
      break;
    case OperationKind::tree_alloc:
    case OperationKind::reclaim:
    case OperationKind::fq_drain:
      event.arg = operation.duration_ns;
      break;
    case OperationKind::magazine_free:
      event.arg = operation.duration_ns;
      event.cause = static_cast<std::uint8_t>(operation.cause);
      break;
    case OperationKind::cpu_flush:
      event.arg = operation.target_cpu;
      break;
    case OperationKind::reserve:
      event.arg = operation.pfn_hi;
      event.size = 1;
      break;
    case OperationKind::domain_init:
      event.arg = granule_bytes;
      break;
    case OperationKind::free:
    case OperationKind::tree_free:
    case OperationKind::domain_put:
      break;
  }
  return event;
}

}  // namespace rcached
