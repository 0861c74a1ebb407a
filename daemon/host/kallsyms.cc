// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/kallsyms.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

namespace rcached {
namespace {

// "alloc_iova.part.0" -> "alloc_iova"; a ".cold" part is never the function itself.
std::string_view base_name(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return name;
  if (name.find(".cold") != std::string_view::npos) return {};
  return name.substr(0, dot);
}

bool wanted(std::string_view name) {
  const auto& names = wanted_kernel_symbols();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const std::vector<std::string_view>& wanted_kernel_symbols() {
  static const std::vector<std::string_view> names = {
      "alloc_iova_fast",
      "free_iova_fast",
      "alloc_iova",
      "free_iova",
      "iova_rcache_insert",
      "iova_magazine_free_pfns",
      "free_cpu_cached_iovas",
      "iova_depot_work_func",
      "reserve_iova",
      "init_iova_domain",
      "put_iova_domain",
      "fq_flush_timeout",
      "__per_cpu_offset",
      "iommu_group_kset",
      "intel_iommu_ops",
  };
  return names;
}

Kallsyms Kallsyms::parse(std::istream& in) {
  Kallsyms result;
  bool any_address = false;
  std::string line;
  while (std::getline(in, line)) {
    // "ffffffff81000000 T name\t[module]"
    const auto first = line.find(' ');
    if (first == std::string::npos || first + 3 > line.size()) continue;
    std::string_view name = std::string_view(line).substr(first + 3);
    name = name.substr(0, name.find_first_of("\t "));
    if (line[0] != '0' || line.find_first_not_of('0') < first) any_address = true;
    // Cheap tests before the list: nearly every line ends here.
    if (name.find("iov") == std::string_view::npos && name.find("fq_flush") == std::string_view::npos &&
        name.find("iommu") == std::string_view::npos && name.find("per_cpu") == std::string_view::npos)
      continue;
    if (!wanted(base_name(name))) continue;
    Symbol symbol{std::string(name), 0};
    std::from_chars(line.data(), line.data() + first, symbol.address, 16);
    result.symbols_.push_back(std::move(symbol));
  }
  result.addresses_hidden_ = !any_address;
  return result;
}

Expected<Kallsyms> Kallsyms::load(const std::string& path) {
  std::ifstream in(path);
  if (!in)
    return fail(ErrorCode::internal,
                fmt::format("cannot read the kernel's symbols ({}: {})", path, std::strerror(errno)),
                "mount /proc, or run on a kernel with CONFIG_KALLSYMS");
  return parse(in);
}

std::optional<Symbol> Kallsyms::find(std::string_view name) const {
  const Symbol* best = nullptr;
  for (const Symbol& symbol : symbols_) {
    if (symbol.name == name) return symbol;
    if (base_name(symbol.name) == name && best == nullptr) best = &symbol;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace rcached
