// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/kernel_layout.h"

#include <bpf/btf.h>
#include <fmt/core.h>

#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

namespace rcached {
namespace {

// A view of one struct in BTF; follows modifiers and anonymous members.
class StructType {
 public:
  StructType(const ::btf* btf, const ::btf_type* type) : btf_(btf), type_(type) {}

  std::uint32_t size() const { return type_->size; }

  // The member's type with modifiers stripped, or nullptr. Invalid BTF (an invalid name, a struct
  // that is a member of itself) has no such member.
  const ::btf_type* member(std::string_view name, int depth = 0) const {
    if (depth > kMaxNesting) return nullptr;
    const ::btf_member* members = btf_members(type_);
    for (unsigned i = 0; i < btf_vlen(type_); ++i) {
      const char* member_name = btf__name_by_offset(btf_, members[i].name_off);
      const ::btf_type* member_type = resolve(members[i].type);
      if (member_type == nullptr || member_name == nullptr) continue;
      if (name == member_name) return member_type;
      if (member_name[0] == '\0' && btf_is_composite(member_type)) {
        if (const auto* found = StructType(btf_, member_type).member(name, depth + 1)) return found;
      }
    }
    return nullptr;
  }

 private:
  static constexpr int kMaxNesting = 8;  // of anonymous structs and unions

  const ::btf_type* resolve(unsigned id) const {
    const int resolved = btf__resolve_type(btf_, id);
    return resolved < 0 ? nullptr : btf__type_by_id(btf_, static_cast<unsigned>(resolved));
  }

  const ::btf* btf_;
  const ::btf_type* type_;
};

std::optional<StructType> find_struct(const ::btf* btf, const char* name) {
  const int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
  if (id < 0) return std::nullopt;
  return StructType(btf, btf__type_by_id(btf, static_cast<unsigned>(id)));
}

tl::unexpected<Error> unknown(const std::string& what) {
  return fail(
      ErrorCode::unknown_layout,
      fmt::format("rcached does not support this kernel's IOVA allocator: {} (kernel BTF)", what),
      "report the kernel release and `bpftool btf dump id 1 | grep -A12 iova_` to the rcached project");
}

constexpr std::uint32_t kMaxPlausible = 1u << 16;

}  // namespace

Expected<KernelLayout> read_kernel_layout(const ::btf* kernel_btf) {
  const auto magazine = find_struct(kernel_btf, "iova_magazine");
  const auto rcache = find_struct(kernel_btf, "iova_rcache");
  const auto domain = find_struct(kernel_btf, "iova_domain");
  const auto cpu_rcache = find_struct(kernel_btf, "iova_cpu_rcache");
  for (const auto& [type, name] :
       {std::pair{&magazine, "iova_magazine"}, std::pair{&rcache, "iova_rcache"},
        std::pair{&domain, "iova_domain"}, std::pair{&cpu_rcache, "iova_cpu_rcache"}})
    if (!*type) return unknown(fmt::format("struct {} is missing", name));

  KernelLayout layout;
  const ::btf_type* pfns = magazine->member("pfns");
  if (pfns == nullptr || !btf_is_array(pfns)) return unknown("iova_magazine.pfns is not an array");
  layout.profile.magazine_capacity = btf_array(pfns)->nelems;
  if (magazine->size() > kMaxPlausible * sizeof(std::uint64_t))
    return unknown(fmt::format("iova_magazine has {} bytes", magazine->size()));
  layout.profile.magazine_bytes = std::bit_ceil(magazine->size());  // slab sizes are powers of two
  if (const auto range = find_struct(kernel_btf, "iova")) layout.profile.range_bytes = range->size();
  if (magazine->member("size") == nullptr) return unknown("iova_magazine.size is missing");
  if (layout.profile.magazine_capacity == 0 || layout.profile.magazine_capacity > kMaxPlausible)
    return unknown(fmt::format("iova_magazine.pfns has {} elements", layout.profile.magazine_capacity));

  const ::btf_type* depot = rcache->member("depot");
  if (depot == nullptr) return unknown("iova_rcache.depot is missing");
  if (rcache->member("depot_size") == nullptr) return unknown("iova_rcache.depot_size is missing");
  if (rcache->member("cpu_rcaches") == nullptr) return unknown("iova_rcache.cpu_rcaches is missing");
  if (btf_is_array(depot)) {
    layout.profile.depot = DepotKind::bounded;
    layout.profile.depot_capacity = btf_array(depot)->nelems;
  } else if (btf_is_ptr(depot)) {
    layout.profile.depot = DepotKind::unbounded;
    layout.profile.depot_capacity = 0;
  } else {
    return unknown("iova_rcache.depot is neither an array nor a list");
  }
  if (cpu_rcache->member("loaded") == nullptr || cpu_rcache->member("prev") == nullptr)
    return unknown("iova_cpu_rcache has no loaded and prev");

  const ::btf_type* rcaches = domain->member("rcaches");
  if (rcaches == nullptr) return unknown("iova_domain.rcaches is missing");
  layout.rcaches_embedded = btf_is_array(rcaches);
  if (layout.rcaches_embedded && btf_array(rcaches)->nelems != kCachedOrders)
    return unknown(
        fmt::format("iova_domain.rcaches has {} orders, not {}", btf_array(rcaches)->nelems, kCachedOrders));
  layout.flush_queue_in_iova = domain->member("fq_timer") != nullptr;

  const auto dmar_domain = find_struct(kernel_btf, "dmar_domain");
  layout.iovad_in_dmar_domain = dmar_domain && dmar_domain->member("iovad") != nullptr;

  const auto program_stats = find_struct(kernel_btf, "bpf_prog_stats");
  layout.skips_nested_programs = program_stats && program_stats->member("misses") != nullptr;

  // Behaviour that BTF does not show is inferred from the layout of the same generation.
  layout.profile.alloc_rounds_size = !layout.flush_queue_in_iova;  // both changed in 5.17
  layout.profile.flush_empties_depot =
      btf__find_by_name_kind(kernel_btf, "free_global_cached_iovas", BTF_KIND_FUNC) >= 0 ||
      domain->member("cpuhp_dead") != nullptr;  // since 5.11; the cpuhp node since 5.13
  layout.profile.name = layout.profile.depot == DepotKind::unbounded ? "unbounded"
                        : layout.rcaches_embedded                    ? "bounded, embedded"
                                                                     : "bounded";
  return layout;
}

}  // namespace rcached
