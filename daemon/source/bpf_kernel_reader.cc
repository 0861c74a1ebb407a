// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/bpf_kernel_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <thread>

#include "base/cpu_list.h"
#include "base/monotonic_clock.h"
#include "bpf/event.h"
#include "bpf/state.h"
#include "daemon/host/cpus.h"
#include "daemon/host/tracing_permission.h"

// The skeleton needs the types above.
#include "bpf/reader.skel.h"

namespace rcached {
namespace {

static_assert(KernelReader::kDepotChunk == RCACHED_READ_DEPOT);
static_assert(RCACHED_READ_MAGAZINES == 2 * kCachedOrders);

tl::unexpected<Error> load_error(int error, std::string_view doing) {
  if (error == EPERM || error == EACCES) return tl::unexpected<Error>(tracing_refused());
  return fail(ErrorCode::attach,
              fmt::format("cannot {} for reading kernel memory ({})", doing, std::strerror(error)),
              "set the log level to debug for the messages of libbpf");
}

Pfns pfns_of(const rcached_read_magazine& magazine) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(magazine.size, RCACHED_READ_CAPACITY));
  return {magazine.pfns, magazine.pfns + size};
}

bool same(const rcached_read_magazine& a, const rcached_read_magazine& b) {
  return a.address == b.address && a.size == b.size && a.size <= RCACHED_READ_CAPACITY &&
         std::memcmp(a.pfns, b.pfns, static_cast<std::size_t>(a.size) * sizeof(a.pfns[0])) == 0;
}

bool readings_agree(const rcached_read_magazine (&a)[RCACHED_READ_MAGAZINES],
                    const rcached_read_magazine (&b)[RCACHED_READ_MAGAZINES]) {
  for (std::size_t i = 0; i < RCACHED_READ_MAGAZINES; ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

// The two readings of one run.
bool readings_agree(const rcached_read_cpu& answer) {
  return readings_agree(answer.magazines[0], answer.magazines[1]);
}

bool readings_agree(const rcached_read_cpu& before, const rcached_read_cpu& after) {
  return readings_agree(before.magazines[1], after.magazines[0]);
}

}  // namespace

Expected<std::unique_ptr<BpfKernelReader>> BpfKernelReader::load(std::uint64_t per_cpu_offset,
                                                                 TreeWalk tree_walk, SparedCpus spared) {
  RCACHED_TRY(auto cpus, rcached::possible_cpus());
  return load(per_cpu_offset, std::move(cpus), tree_walk, std::move(spared));
}

Expected<std::unique_ptr<BpfKernelReader>> BpfKernelReader::load(std::uint64_t per_cpu_offset,
                                                                 PossibleCpus cpus, TreeWalk tree_walk,
                                                                 SparedCpus spared) {
  if (per_cpu_offset == 0)
    return fail(
        ErrorCode::unknown_layout,
        "the kernel does not show the address of its per-CPU data (__per_cpu_offset in /proc/kallsyms)",
        "boot a kernel with CONFIG_KALLSYMS_ALL=y");
  ::reader_bpf* skeleton = reader_bpf::open(nullptr);
  if (skeleton == nullptr) return load_error(errno, "open the BPF programs");
  ::bpf_program* tree_program =
      tree_walk == TreeWalk::helper ? skeleton->progs.reader_tree_called : skeleton->progs.reader_tree;
  std::unique_ptr<BpfKernelReader> reader(
      new BpfKernelReader(skeleton, tree_program, std::move(cpus), std::move(spared)));
  bpf_program__set_autoload(tree_program, true);
  skeleton->rodata->symbols.per_cpu_offset = per_cpu_offset;
  skeleton->rodata->symbols.cpus = reader->possible_cpus();
  if (const int error = reader_bpf::load(skeleton); error != 0)
    return load_error(-error, "load the BPF programs");
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  if (const int error =
          bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.reader_per_cpu_offsets), &options);
      error != 0)
    return load_error(-error, "run the BPF programs");
  reader->status_.available = true;
  return reader;
}

BpfKernelReader::TreeWalk BpfKernelReader::best_tree_walk() {
  const bool offered = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, nullptr) > 0;
  return offered ? TreeWalk::helper : TreeWalk::loop;
}

BpfKernelReader::~BpfKernelReader() { reader_bpf::destroy(skeleton_); }

std::uint32_t BpfKernelReader::run(const ::bpf_program* program) {
  refresh_spared();
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  return timed([&] { return bpf_prog_test_run_opts(bpf_program__fd(program), &options); });
}

std::optional<std::uint32_t> BpfKernelReader::run_on(const ::bpf_program* program, std::uint16_t cpu) {
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.flags = BPF_F_TEST_RUN_ON_CPU;
  options.cpu = cpu;
  int error = 0;
  const std::uint32_t status =
      timed([&] { return error = bpf_prog_test_run_opts(bpf_program__fd(program), &options); });
  if (error == -ENXIO) return std::nullopt;
  return status;
}

template <typename Call>
std::uint32_t BpfKernelReader::timed(Call call) {
  const std::uint64_t begin = monotonic_now_ns();
  const int error = call();
  const std::uint64_t elapsed = monotonic_now_ns() - begin;
  ++status_.reads;
  status_.time_ns += elapsed;
  status_.longest_ns = std::max(status_.longest_ns, elapsed);
  return error == 0 ? skeleton_->bss->run.status : std::uint32_t{RCACHED_READ_FAULT};
}

void BpfKernelReader::note(std::uint32_t status) {
  if (status == RCACHED_READ_CHANGED) ++status_.changed;
  if (status == RCACHED_READ_FAULT) ++status_.faults;
}

template <typename Attempt>
Reading<ReadingTime> BpfKernelReader::try_reading(Attempt attempt, int attempts) {
  for (int i = 0; i < attempts; ++i) {
    const std::uint32_t status = attempt();
    note(status);
    if (status == RCACHED_READ_FAULT) return tl::unexpected(Unread::fault);
    if (status == RCACHED_READ_OK)
      return ReadingTime{skeleton_->bss->run.begin_ns, skeleton_->bss->run.end_ns};
  }
  return tl::unexpected(Unread::changed);
}

// A program runs where its caller is: that must not be a CPU to be spared, whatever is read.
void BpfKernelReader::refresh_spared() {
  const std::uint64_t now = monotonic_now_ns();
  if (!read_spared_ || now < next_refresh_ns_) return;
  const bool first = next_refresh_ns_ == 0;
  next_refresh_ns_ = now + std::chrono::nanoseconds(kSparedRefresh).count();
  auto spared = read_spared_();
  if (spared == spared_) return;
  spared_ = std::move(spared);
  status_.spared_cpus = spared_.size();
  const bool kept = keep_off(spared_);
  if (!spared_.empty())
    spdlog::log(first ? spdlog::level::info : spdlog::level::warn,
                "CPUs {} are not interrupted for audits; their magazines are read from other CPUs",
                format_cpu_list(spared_));
  if (!kept)
    spdlog::warn(
        "the thread that reads kernel memory cannot keep off CPUs {} by itself; set CPUAffinity= for rcached",
        format_cpu_list(spared_));
}

Reading<DomainConstants> BpfKernelReader::read_constants(std::uint64_t key) {
  skeleton_->bss->request = {};
  skeleton_->bss->request.domain = key;
  const auto time = try_reading([&] { return run(skeleton_->progs.reader_constants); });
  if (!time) return tl::unexpected(time.error());
  const rcached_read_constants& answer = skeleton_->bss->constants_answer;
  return DomainConstants{answer.granule_bytes, answer.start_pfn, answer.dma_32bit_pfn};
}

std::uint32_t BpfKernelReader::read_cpu_there(std::uint16_t cpu, bool& offline) {
  const auto status = run_on(skeleton_->progs.reader_cpu, cpu);
  offline = !status;
  if (offline || *status != RCACHED_READ_OK) return status.value_or(RCACHED_READ_OK);
  return readings_agree(skeleton_->bss->cpu_answer) ? RCACHED_READ_OK : RCACHED_READ_CHANGED;
}

// The CPU may work meanwhile: what it is about to change is no longer the same a moment later.
std::uint32_t BpfKernelReader::read_cpu_from_here() {
  const auto read = [this] {
    const std::uint32_t status = run(skeleton_->progs.reader_cpu);
    if (status != RCACHED_READ_OK) return status;
    return readings_agree(skeleton_->bss->cpu_answer) ? std::uint32_t{RCACHED_READ_OK}
                                                      : std::uint32_t{RCACHED_READ_CHANGED};
  };
  if (const std::uint32_t status = read(); status != RCACHED_READ_OK) return status;
  const auto before = std::make_unique<rcached_read_cpu>(skeleton_->bss->cpu_answer);
  const std::uint64_t begin_ns = skeleton_->bss->run.begin_ns;
  std::this_thread::sleep_for(kRemoteGap);
  const std::uint32_t status = read();
  skeleton_->bss->run.begin_ns = begin_ns;
  if (status != RCACHED_READ_OK) return status;
  return readings_agree(*before, skeleton_->bss->cpu_answer) ? RCACHED_READ_OK : RCACHED_READ_CHANGED;
}

Reading<CpuContents> BpfKernelReader::read_cpu(std::uint64_t key, std::uint16_t cpu) {
  if (cpu >= cpus_.end()) return tl::unexpected(Unread::fault);
  if (!cpus_.contains(cpu)) {  // nothing to read
    CpuContents none;
    none.time = {monotonic_now_ns(), monotonic_now_ns()};
    none.cpu = cpu;
    return none;
  }
  skeleton_->bss->request = {};
  skeleton_->bss->request.domain = key;
  skeleton_->bss->request.cpu = cpu;
  refresh_spared();
  bool remote = std::ranges::binary_search(spared_, cpu);
  Reading<ReadingTime> time = tl::unexpected(Unread::changed);
  // An offline CPU is known by the attempt.
  if (!remote) time = try_reading([&] { return read_cpu_there(cpu, remote); });
  if (remote) time = try_reading([&] { return read_cpu_from_here(); }, kRemoteAttempts);
  if (!time) return tl::unexpected(time.error());
  CpuContents contents;
  contents.remote = remote;
  contents.time = *time;
  contents.cpu = cpu;
  const auto& magazines = skeleton_->bss->cpu_answer.magazines[0];
  for (std::size_t order = 0; order < kCachedOrders; ++order) {
    contents.orders[order].loaded = pfns_of(magazines[2 * order]);
    contents.orders[order].prev = pfns_of(magazines[2 * order + 1]);
  }
  contents.magazines = static_cast<std::uint16_t>(std::ranges::count_if(
      magazines, [](const rcached_read_magazine& magazine) { return magazine.address != 0; }));
  return contents;
}

Reading<DepotSlice> BpfKernelReader::read_depot(std::uint64_t key, std::uint8_t order, DepotCursor& cursor) {
  rcached_read_request& request = skeleton_->bss->request;
  request = {};
  request.domain = key;
  request.order = order;
  request.first = cursor.started ? 0 : 1;
  request.next = cursor.next;
  request.left = cursor.index;
  const auto time = try_reading([&] { return run(skeleton_->progs.reader_depot); });
  if (!time) return tl::unexpected(time.error());
  const rcached_read_depot& answer = skeleton_->bss->depot_answer;
  const std::uint32_t count = std::min({answer.count, answer.left_before, kDepotChunk});
  DepotSlice slice;
  slice.time = *time;
  slice.order = order;
  slice.depot_size = answer.depot_size;
  slice.first = answer.left_before - count;
  slice.magazines.reserve(count);
  for (std::uint32_t i = count; i > 0; --i) slice.magazines.push_back(pfns_of(answer.magazines[i - 1]));
  cursor.started = true;
  cursor.next = answer.next;
  cursor.index = slice.first;
  cursor.done = slice.first == 0;
  return slice;
}

Reading<TreeSlice> BpfKernelReader::walk_tree(std::uint64_t key, std::uint64_t from, std::uint32_t limit) {
  skeleton_->bss->request = {};
  skeleton_->bss->request.domain = key;
  skeleton_->bss->request.from = from;
  skeleton_->bss->request.limit = limit;
  const rcached_read_tree& answer = skeleton_->bss->tree_answer;
  // Use the ranges that an interrupted walk has read.
  const auto time = try_reading([&] {
    const std::uint32_t status = run(tree_program_);
    return status == RCACHED_READ_CHANGED && answer.count > 0 ? std::uint32_t{RCACHED_READ_OK} : status;
  });
  if (!time) return tl::unexpected(time.error());
  TreeSlice slice;
  slice.time = *time;
  slice.from = from;
  const std::span ranges(answer.ranges, std::min<std::size_t>(answer.count, RCACHED_READ_RANGES));
  slice.ranges.reserve(ranges.size());
  for (const rcached_read_range& range : ranges) slice.ranges.push_back({range.lo, range.hi});
  slice.to = answer.end != 0 || ranges.empty() ? std::numeric_limits<std::uint64_t>::max() : ranges.back().lo;
  return slice;
}

Reading<TreeSlice> BpfKernelReader::read_tree(std::uint64_t key, std::uint64_t from) {
  return walk_tree(key, from, RCACHED_READ_RANGES);
}

Reading<TreeSlice> BpfKernelReader::read_tree_at(std::uint64_t key, std::uint64_t pfn) {
  auto slice = walk_tree(key, pfn, 1);
  if (!slice) return slice;
  slice->to = pfn;
  std::erase_if(slice->ranges, [&](const TreeRange& range) { return range.lo != pfn; });
  return slice;
}

Reading<std::optional<FlushQueueReading>> BpfKernelReader::read_flush_queue(std::uint64_t key) {
  FlushQueueReading reading;
  const rcached_read_flush_queue& answer = skeleton_->bss->flush_queue_answer;
  for (std::size_t i = 0; i < cpus_.ids.size();) {
    rcached_read_request& request = skeleton_->bss->request;
    request = {};
    request.domain = key;
    request.cpu = cpus_.ids[i];
    // Up to the next gap.
    while (request.cpus < RCACHED_READ_QUEUES && i < cpus_.ids.size() &&
           cpus_.ids[i] == request.cpu + request.cpus) {
      ++request.cpus;
      ++i;
    }
    const auto [first, count] = std::pair(request.cpu, request.cpus);
    const auto time = try_reading([&] { return run(skeleton_->progs.reader_flush_queue); });
    if (!time) return tl::unexpected(time.error());
    if (answer.present == 0) return std::nullopt;
    if (reading.by_cpu.empty()) reading.time = *time;
    reading.time.end_ns = time->end_ns;
    reading.single_queue = answer.single != 0;
    if (reading.single_queue) {
      reading.by_cpu = {answer.pending[0]};
      break;
    }
    reading.by_cpu.resize(first + count);
    std::copy_n(answer.pending, count, reading.by_cpu.begin() + first);
  }
  for (const std::uint32_t pending : reading.by_cpu) reading.pending += pending;
  return reading;
}

}  // namespace rcached
