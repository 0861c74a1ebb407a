// SPDX-License-Identifier: Apache-2.0
// Input: everything that a Mirror learns, as one ordered stream of plain values. The state of a Mirror, and every
// snapshot, is a pure function of its inputs: the same stream gives the same bytes.
//
// Domains are named by ids, never by kernel addresses. Ids are not reused. Times are nanoseconds of one monotonic
// clock, that of the operations; no input needs any other time.
//
// An input of a domain that does not exist (any more) is ignored, except for an operation, which makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "allocator/contents.h"
#include "allocator/domain_audit.h"
#include "allocator/domain_info.h"
#include "allocator/operation.h"

namespace rcached {

// Of the types below. Grows when one of them changes.
inline constexpr std::uint32_t kInputVersion = 2;

struct DomainOperation {
  std::uint64_t id = 0;
  Operation operation;
};

// A domain exists whose init_iova_domain was not seen. Its state is not known yet.
struct DomainFound {
  std::uint64_t id = 0;
};
// The names of a domain, when they change.
struct DomainNamed {
  DomainInfo info;
};
struct DomainGone {
  std::uint64_t id = 0;
};
// Operations may have been lost before this point, of one domain or of any.
struct OperationsLost {
  std::optional<std::uint64_t> id;
};
// While blind, operations may be missing all the time: the kernel does not run the probes.
struct BlindnessChanged {
  bool blind = false;
};
struct CpusChanged {
  std::uint32_t online = 0;
};

// Readings of kernel memory. Each is in the stream after the operations up to its end_ns, and before the later ones.
// An audit takes place between AuditBegun and AuditNews::over; `audit` is a number that no other audit has.
struct AuditBegun {
  std::uint64_t id = 0;
  std::uint64_t audit = 0;
  DomainAudit::Options options;  // the goal is chosen by the Mirror
  bool contents = false;         // report the contents of the mirror at the end
  bool only_if_changed =
      false;  // skipped if no operation came since the last audit, and that one found nothing
};
struct FlushQueuePending {
  ReadingTime time;
  std::uint64_t ranges = 0;
};
struct NotReadable {};  // the piece changed under every attempt; slices of it that came before do not count
using ReadPiece = std::variant<CpuContents, DepotSlice, TreeSlice, FlushQueuePending, NotReadable>;
struct PieceRead {
  std::uint64_t id = 0;
  std::uint64_t audit = 0;
  ReadRequest request;
  ReadPiece piece;
};
// The reader gives it up: the domain cannot be read, or a new audit was requested.
struct AuditGivenUp {
  std::uint64_t id = 0;
  std::uint64_t audit = 0;
  bool counts = true;  // as an abandoned audit of the domain
};
// Ranges waiting in the flush queue, for the next snapshot; nullopt: there is no queue.
struct FlushQueueRead {
  std::uint64_t id = 0;
  std::optional<std::uint64_t> ranges;
};

// The stream is complete up to `time_ns`: whatever was under way before has been reported.
struct Tick {
  std::uint64_t time_ns = 0;
};

using Input = std::variant<DomainFound, DomainNamed, DomainGone, OperationsLost, BlindnessChanged,
                           CpusChanged, AuditBegun, PieceRead, AuditGivenUp, FlushQueueRead, Tick>;

// A part of the stream. Nearly all of it is operations, which are kept in one array; the rest is placed between them. Its
// operations have no after_loss: OperationsLost says so.
struct InputBatch {
  struct Placed {
    std::size_t before = 0;  // the operation that it precedes; operations.size(): it follows all of them
    Input input;
  };
  std::vector<DomainOperation> operations;
  std::vector<Placed> others;  // by `before`

  void add(std::uint64_t id, const Operation& operation) { operations.push_back({id, operation}); }
  void add(Input input) { others.push_back({operations.size(), std::move(input)}); }
  void clear() {
    operations.clear();
    others.clear();
  }
};

}  // namespace rcached
