// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/attach_plan.h"

#include <fmt/core.h>

namespace rcached {
namespace {

enum class Wanted {
  always,           // required by the mirror
  if_present,       // optional; its absence is reported
  if_unbounded,     // exists only with the depot worker
  frees_in_rcache,  // if the flush queue is in iova.c and may inline free_iova_fast
  frees_in_fast,    // otherwise
};

struct ProbedFunction {
  std::string_view name;
  Wanted wanted;
  bool entry;         // has an fentry program
  bool exit;          // has an fexit program
  bool kprobe_exit;   // with kprobes, a kretprobe is needed too
  bool part = false;  // a part of it has the arguments of the whole, and is sufficient
};

// Order matters: outer calls attach after the calls nested in them, so that no outer event lacks its inner
// event.
constexpr ProbedFunction kFunctions[] = {
    {"init_iova_domain", Wanted::if_present, false, true, false},
    {"put_iova_domain", Wanted::if_present, true, false, false},
    {"reserve_iova", Wanted::if_present, false, true, true},
    {"iova_magazine_free_pfns", Wanted::if_present, true, true, true, true},
    {"free_cpu_cached_iovas", Wanted::if_present, true, true, true},
    {"iova_depot_work_func", Wanted::if_unbounded, true, true, true},
    {"fq_flush_timeout", Wanted::if_present, true, true, true},
    {"alloc_iova", Wanted::if_present, true, true, true},
    {"__free_iova", Wanted::if_present, true, false, false},
    {"free_iova", Wanted::if_present, true, false, false},
    {"alloc_iova_fast", Wanted::always, false, true, true},
    {"free_iova_fast", Wanted::frees_in_fast, false, true, true},
    {"iova_rcache_insert", Wanted::frees_in_rcache, false, true, true},
};

// The arguments of a required function that exists only under such a name cannot be found.
tl::unexpected<Error> changed_function(std::string_view name, std::string_view symbol) {
  return fail(
      ErrorCode::attach,
      fmt::format(
          "the kernel has {} only as {}: the compiler has changed it, and its arguments may be elsewhere",
          name, symbol),
      "rcached would show wrong numbers on this build of the kernel; boot another one, and report the kernel "
      "release");
}

}  // namespace

std::string_view to_string(AttachMethod method) {
  switch (method) {
    case AttachMethod::fentry:
      return "fentry";
    case AttachMethod::fexit:
      return "fexit";
    case AttachMethod::kprobe:
      return "kprobe";
    case AttachMethod::kretprobe:
      return "kretprobe";
  }
  return "unknown";
}

Expected<AttachPlan> make_attach_plan(const KernelLayout& layout, const AttachOffer& offer) {
  // Without symbols, use BTF only.
  const auto in_image = [&](std::string_view name) {
    const auto symbol = offer.symbols.find(name);
    return offer.symbols.empty() ? offer.btf_has_function(name) : symbol && symbol->body == SymbolBody::whole;
  };
  // iova_rcache_insert may be inlined even where the flush queue is in iova.c; then use free_iova_fast. Where it was
  // only changed, free_iova_fast may miss the frees of the flush queue.
  const bool frees_in_rcache = layout.flush_queue_in_iova &&
                               (offer.symbols.find("iova_rcache_insert") || in_image("iova_rcache_insert"));
  AttachPlan plan;
  for (const ProbedFunction& function : kFunctions) {
    if (function.wanted == Wanted::if_unbounded && layout.profile.depot != DepotKind::unbounded) continue;
    if (function.wanted == Wanted::frees_in_rcache && !frees_in_rcache) continue;
    if (function.wanted == Wanted::frees_in_fast && frees_in_rcache) continue;

    const std::string name(function.name);
    const bool optional = function.wanted == Wanted::if_present || function.wanted == Wanted::if_unbounded;
    const auto add = [&](AttachMethod method, const std::string& symbol) {
      plan.programs.push_back(
          {fmt::format("{}_{}", name, to_string(method)), name, symbol, method, !optional, false});
    };
    const auto symbol = offer.symbols.find(name);
    const bool trampoline = offer.btf_has_function(name) && in_image(name) && !offer.force_kprobes &&
                            !offer.fentry_refused.contains(name);
    const bool usable =
        symbol && (symbol->body == SymbolBody::whole || (symbol->body == SymbolBody::part && function.part));
    const bool kprobe = usable && !offer.kprobe_refused.contains(name);
    if (trampoline) {
      if (function.entry) add(AttachMethod::fentry, name);
      // The kernel runs the last attached program first: the twin must run second.
      if (!optional && layout.skips_nested_programs)
        plan.programs.push_back({name + "_nested", name, name, AttachMethod::fexit, true, true});
      if (function.exit) add(AttachMethod::fexit, name);
    } else if (kprobe) {
      add(AttachMethod::kprobe, symbol->name);
      if (function.kprobe_exit) add(AttachMethod::kretprobe, symbol->name);
    } else if (optional) {
      plan.absent.push_back(symbol && !usable ? fmt::format("{} (only as {})", name, symbol->name) : name);
    } else if (symbol && !usable) {
      return changed_function(name, symbol->name);
    } else {
      return fail(ErrorCode::attach,
                  fmt::format("the kernel has no function {} to attach to (BTF, /proc/kallsyms)", name),
                  "rcached needs a kernel with CONFIG_IOMMU_IOVA and CONFIG_KALLSYMS; report the kernel "
                  "release if it has both");
    }
  }
  return plan;
}

}  // namespace rcached
