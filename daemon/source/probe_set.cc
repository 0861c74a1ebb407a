// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/probe_set.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "bpf/probes.skel.h"
#include "daemon/host/cpus.h"
#include "daemon/host/tracing_permission.h"
#include "daemon/source/call_table.h"
#include "daemon/source/ring.h"

namespace rcached {
namespace {

// ENOTSUPP: an error code internal to the kernel, not in errno.h.
constexpr int kNotSupported = 524;
constexpr int kDrainAttempts = 4;

// libbpf's last warnings during load and attach, to explain a failure.
thread_local std::string last_warning;
thread_local std::string warned_program;  // the program named by the last warning about a program

// The program that a warning like "libbpf: prog 'alloc_iova_fentry': failed to load: -2" is about, or empty.
std::string_view program_of(std::string_view warning) {
  constexpr std::string_view kBegin = "prog '";
  const auto at = warning.find(kBegin);
  if (at == std::string_view::npos) return {};
  warning.remove_prefix(at + kBegin.size());
  return warning.substr(0, warning.find('\''));
}

int on_libbpf_message(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string text(line.data());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // The last warnings are "failed to load object", "... skeleton"; those before have the reason.
  if (level == LIBBPF_WARN && !text.starts_with("libbpf: failed to load")) {
    last_warning = text;
    if (const auto program = program_of(text); !program.empty()) warned_program = program;
  }
  spdlog::debug("{}", text);
  return 0;
}

tl::unexpected<Error> load_error(int error, std::string_view doing) {
  if (error == EPERM || error == EACCES) return tl::unexpected<Error>(tracing_refused());
  return fail(ErrorCode::attach, fmt::format("cannot {} ({}; {})", doing, std::strerror(error), last_warning),
              "see `rcached check`; set the log level to debug for the messages of libbpf");
}

Error attach_error(int error, const PlannedProgram& planned) {
  if (!is_trampoline(planned.method) && (error == EACCES || error == EPERM)) return kprobe_refused();
  return load_error(error, fmt::format("attach {} to {}", to_string(planned.method), planned.symbol)).value();
}

rcached_first_program first_program(std::string_view function) {
  return function == "alloc_iova_fast" ? RCACHED_FIRST_ALLOC : RCACHED_FIRST_FREE;
}

// struct bpf_link_info of a kprobe since 6.7, only the fields needed; older build hosts do not declare it.
struct KprobeLinkInfo {
  std::uint32_t type, id, prog_id, pad;
  std::uint32_t perf_event_type, pad2;
  std::uint64_t func_name;
  std::uint32_t name_len, offset;
  std::uint64_t addr, missed, cookie;
};
constexpr std::uint32_t kPerfEventKprobe = 3;
constexpr std::uint32_t kPerfEventKretprobe = 4;

}  // namespace

ProbeSet::ProbeSet(Receiver receiver) : receiver_(std::move(receiver)) {}

ProbeSet::~ProbeSet() { release(); }

void ProbeSet::release() {
  for (auto& attached : attached_) bpf_link__destroy(attached.link);
  attached_.clear();
  left_out_.clear();
  rings_.clear();
  probes_bpf::destroy(skeleton_);
  skeleton_ = nullptr;
}

Expected<std::unique_ptr<ProbeSet>> ProbeSet::attach(const KernelTypes& types, const KernelLayout& layout,
                                                     const Kallsyms& symbols, const Options& options,
                                                     Receiver receiver) {
  libbpf_set_print(on_libbpf_message);
  AttachOffer offer{symbols, [&](std::string_view name) { return types.function(name).has_value(); },
                    options.force_kprobes};
  std::unique_ptr<ProbeSet> probes(new ProbeSet(std::move(receiver)));
  for (;;) {
    RCACHED_TRY(auto plan, make_attach_plan(layout, offer));
    probes->plan_ = std::move(plan);
    RCACHED_TRY(const auto refused, probes->try_attach(options, symbols));
    if (!refused) return probes;
    if (is_trampoline(refused->method)) {
      spdlog::info("the kernel refuses {} ({}); trying a kprobe", refused->program, last_warning);
      offer.fentry_refused.insert(refused->function);
    } else {
      spdlog::warn("the kernel refuses {} ({})", refused->program, last_warning);
      offer.kprobe_refused.insert(refused->function);
    }
    probes->release();
  }
}

Expected<std::optional<PlannedProgram>> ProbeSet::try_attach(const Options& options,
                                                             const Kallsyms& symbols) {
  RCACHED_TRY(cpus_, possible_cpus());

  skeleton_ = probes_bpf::open(nullptr);
  if (skeleton_ == nullptr) return load_error(errno, "open the BPF object");
  const auto address_of = [&](std::string_view name) {
    const auto symbol = symbols.find(name);
    return symbol ? symbol->address : 0;
  };
  skeleton_->rodata->symbols.per_cpu_offset = address_of("__per_cpu_offset");
  skeleton_->rodata->symbols.cpus = cpus_.end();
  skeleton_->rodata->symbols.free_iova = address_of("free_iova");
  skeleton_->rodata->symbols.inner_free = address_of("__free_iova");
  skeleton_->rodata->symbols.iommu_group_kset = address_of("iommu_group_kset");
  skeleton_->rodata->symbols.intel_iommu_ops = address_of("intel_iommu_ops");
  bpf_map__set_max_entries(skeleton_->maps.rings, cpus_.end());

  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) bpf_program__set_autoload(program, false);
  bpf_program__set_autoload(skeleton_->progs.rcached_begin, true);
  bpf_program__set_autoload(skeleton_->progs.rcached_walk_groups, true);
  for (const auto& planned : plan_.programs) {
    program = bpf_object__find_program_by_name(skeleton_->obj, planned.program.c_str());
    if (program == nullptr)
      return fail(ErrorCode::internal, fmt::format("the BPF object has no program {}", planned.program),
                  "rebuild rcached");
    bpf_program__set_autoload(program, true);
    if (planned.twin) bpf_program__set_autoload(skeleton_->progs.rcached_find_active, true);
  }
  warned_program.clear();
  if (const int error = probes_bpf::load(skeleton_); error != 0) {
    const auto refused = std::find_if(plan_.programs.begin(), plan_.programs.end(),
                                      [](const auto& planned) { return planned.program == warned_program; });
    const bool forbidden = error == -EPERM || error == -EACCES;
    if (!forbidden && refused != plan_.programs.end() && !refused->required) return *refused;
    return load_error(-error, "load the BPF programs");
  }
  const std::uint32_t ring_bytes =
      options.ring_bytes != 0 ? options.ring_bytes : automatic_ring_bytes(cpus_.count());
  spdlog::debug("start: ring buffers of {} KiB for {} CPUs", ring_bytes >> 10, cpus_.count());
  RCACHED_CHECK(make_rings(ring_bytes));

  bpf_test_run_opts run{};
  run.sz = sizeof(run);
  if (const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.rcached_begin), &run);
      error != 0)
    return load_error(-error, "read the per-CPU offsets from the kernel");

  find_active();
  spdlog::debug("start: probes loaded");
  attached_.reserve(plan_.programs.size());
  for (const auto& planned : plan_.programs) {
    if (left_out_.contains(planned.function)) continue;
    program = bpf_object__find_program_by_name(skeleton_->obj, planned.program.c_str());
    const bool trampoline = is_trampoline(planned.method);
    bpf_link* link = trampoline
                         ? bpf_program__attach(program)
                         : bpf_program__attach_kprobe(program, planned.method == AttachMethod::kretprobe,
                                                      planned.symbol.c_str());
    if (link == nullptr) {
      const int error = errno;
      if (trampoline && (error == kNotSupported || error == EOPNOTSUPP || error == EBUSY)) return planned;
      Error reason = attach_error(error, planned);
      if (planned.required) return tl::unexpected<Error>(std::move(reason));
      spdlog::warn("{}; {}. The data of {} is unavailable", reason.message, reason.hint, planned.function);
      leave_out(planned.function);
      continue;
    }
    attached_.push_back({&planned, program, link});
  }
  const bool inner_free_traced =
      std::any_of(attached_.begin(), attached_.end(),
                  [](const Attached& attached) { return attached.planned->function == "__free_iova"; });
  if (!inner_free_traced) skeleton_->bss->inner_free_reports = 0;
  if (skeleton_->bss->inner_free_reports != 0)
    spdlog::debug("free_iova calls __free_iova in this kernel; frees are traced there");
  return std::nullopt;
}

// For the twins (bpf/twin.bpf.h).
void ProbeSet::find_active() {
  bool wanted = false;
  for (const PlannedProgram& planned : plan_.programs) {
    if (!planned.twin) continue;
    wanted = true;
    const ::bpf_program* first =
        bpf_object__find_program_by_name(skeleton_->obj, (planned.function + "_fexit").c_str());
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (first == nullptr || bpf_obj_get_info_by_fd(bpf_program__fd(first), &info, &size) != 0) continue;
    skeleton_->bss->first_ids[first_program(planned.function)] = info.id;
  }
  if (!wanted) return;
  ::bpf_link* link = bpf_program__attach_iter(skeleton_->progs.rcached_find_active, nullptr);
  const UniqueFd walk(link == nullptr ? -1 : bpf_iter_create(bpf_link__fd(link)));
  std::array<char, 64> nothing{};
  while (walk.valid() && read(walk.get(), nothing.data(), nothing.size()) > 0) continue;
  bpf_link__destroy(link);
  for (const PlannedProgram& planned : plan_.programs)
    if (planned.twin && skeleton_->bss->first_active[first_program(planned.function)] == 0)
      spdlog::warn(
          "cannot find how the kernel counts runs of {}_fexit; events in interrupts during the probe are "
          "lost (and "
          "counted)",
          planned.function);
}

// Removes all programs of an optional function, so that none of its data is incomplete.
void ProbeSet::leave_out(const std::string& function) {
  std::erase_if(attached_, [&](const Attached& attached) {
    if (attached.planned->function != function) return false;
    bpf_link__destroy(attached.link);
    return true;
  });
  left_out_.insert(function);
}

Expected<void> ProbeSet::make_rings(std::uint32_t ring_bytes) {
  ring_bytes_ = ring_bytes;
  rings_.clear();
  rings_.reserve(cpus_.count());
  for (const std::uint16_t cpu : cpus_.ids) {
    const int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "rcached_ring", 0, 0, ring_bytes, nullptr);
    if (ring < 0)
      return fail(
          ErrorCode::attach,
          fmt::format("cannot create a ring buffer of {} bytes for CPU {} ({})", ring_bytes, cpu,
                      std::strerror(-ring)),
          "lower kernel.ring_size in the config, or raise the memory limit (LimitMEMLOCK=, MemoryMax=)");
    const __u32 key = cpu;
    int error = bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rings), &key, &ring, BPF_ANY);
    if (error == 0) {
      auto mapped = Ring::map(ring, ring_bytes);
      if (mapped)
        rings_.push_back({cpu, std::move(*mapped), 0});
      else
        error = -errno;
    }
    close(ring);  // the map of rings and the mapping hold references
    if (error != 0) return load_error(-error, fmt::format("set up the ring buffer of CPU {}", cpu));
  }
  return {};
}

std::vector<int> ProbeSet::links() const {
  std::vector<int> result;
  for (const Attached& attached : attached_) result.push_back(bpf_link__fd(attached.link));
  return result;
}

bool ProbeSet::drain() {
  std::uint64_t used = 0;
  for (CpuRing& ring : rings_) {
    ring.end = ring.ring.reserved();
    used = std::max(used, ring.end - ring.ring.consumed());
  }
  ring_used_ = used;
  if (used > ring_highest_) ring_highest_ = used;
  // Most records that are still being written are submitted shortly after.
  bool complete = false;
  for (int attempt = 0; attempt < kDrainAttempts && !complete; ++attempt) {
    complete = true;
    for (CpuRing& ring : rings_) {
      const auto take = [&](const void* data, std::size_t size) { receiver_(ring.cpu, data, size); };
      if (!ring.ring.consume(ring.end, take)) complete = false;
    }
  }
  return complete;
}

RingUse ProbeSet::ring_use() const { return {ring_bytes_, ring_used_, ring_highest_}; }

std::size_t ProbeSet::remove_old_calls(std::uint64_t now_ns) {
  return now_ns < kLongestCall
             ? 0
             : rcached::remove_old_calls(bpf_map__fd(skeleton_->maps.calls), now_ns - kLongestCall);
}

std::vector<rcached_cpu_stats> ProbeSet::cpu_stats() const {
  const std::size_t value_size = (std::size_t{bpf_map__value_size(skeleton_->maps.cpu_state)} + 7) / 8 * 8;
  std::vector<char> values(value_size * cpus_.count());
  const __u32 key = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.cpu_state), &key, values.data()) != 0) values.clear();
  // struct cpu_state starts with its rcached_cpu_stats
  return cpus_.by_id<rcached_cpu_stats>(values, value_size);
}

// The exit program makes the event for both.
bool ProbeSet::is_entry_of_a_pair(const PlannedProgram& planned) const {
  if (planned.method != AttachMethod::fentry && planned.method != AttachMethod::kprobe) return false;
  return std::any_of(plan_.programs.begin(), plan_.programs.end(), [&](const PlannedProgram& other) {
    return other.function == planned.function && other.method != planned.method && !other.twin;
  });
}

std::vector<ProgramStatus> ProbeSet::program_status() const {
  std::vector<ProgramStatus> result;
  for (const auto& attached : attached_) {
    ProgramStatus status;
    status.function = attached.planned->symbol;
    status.method = std::string(to_string(attached.planned->method));
    status.makes_events = !is_entry_of_a_pair(*attached.planned) && !attached.planned->twin;
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(attached.program), &info, &size) == 0) {
      status.runs = info.run_cnt;
      status.run_ns = info.run_time_ns;
      status.skipped = info.recursion_misses;
    }
    if (!is_trampoline(attached.planned->method)) {
      KprobeLinkInfo link{};
      __u32 link_size = sizeof(link);
      const bool known =
          bpf_obj_get_info_by_fd(bpf_link__fd(attached.link), &link, &link_size) == 0 &&
          link_size >= offsetof(KprobeLinkInfo, cookie) &&
          (link.perf_event_type == kPerfEventKprobe || link.perf_event_type == kPerfEventKretprobe);
      status.skips_countable = known;
      if (known) status.skipped += link.missed;
    }
    result.push_back(std::move(status));
  }
  // Events made by the twins are not lost. Read them after the misses: a twin that runs in between must not
  // appear as a loss.
  std::uint64_t nested_allocs = 0;
  std::uint64_t nested_frees = 0;
  for (const rcached_cpu_stats& cpu : cpu_stats()) {
    nested_allocs += cpu.nested_allocs;
    nested_frees += cpu.nested_frees;
  }
  for (std::size_t i = 0; i < result.size(); ++i) {
    const PlannedProgram& planned = *attached_[i].planned;
    if (planned.twin) result[i].skipped = 0;
    if (planned.twin || planned.method != AttachMethod::fexit || !planned.required) continue;
    const std::uint64_t made = planned.function == "alloc_iova_fast" ? nested_allocs : nested_frees;
    result[i].skipped -= std::min(result[i].skipped, made);
  }
  return result;
}

ProbeSet::GroupWalk ProbeSet::walk_groups() {
  GroupWalk result;
  auto& discovery = skeleton_->bss->discovery;
  discovery.next = 0;
  constexpr int kMaxChunks = 1024;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    bpf_test_run_opts run{};
    run.sz = sizeof(run);
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.rcached_walk_groups), &run) != 0) break;
    for (__u32 i = 0; i < discovery.count && i < RCACHED_DISCOVER_CHUNK; ++i)
      result.groups.push_back(discovery.groups[i]);
    if (discovery.done != 0) {
      result.complete = discovery.faults == 0 && skeleton_->rodata->symbols.iommu_group_kset != 0;
      break;
    }
  }
  return result;
}

}  // namespace rcached
