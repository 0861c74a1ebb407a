// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/kallsyms.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/unique_fd.h"

namespace rcached {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A symbol's name without its suffix: "alloc_iova.part.0" -> "alloc_iova", and not whole. Empty when the
// suffix means a different function.
struct BaseName {
  std::string_view name;
  bool whole = true;
};

BaseName base_name(std::string_view symbol) {
  constexpr std::string_view kPart = ".part.", kRenamed = ".llvm.";
  const auto dot = symbol.find('.');
  if (dot == std::string_view::npos) return {symbol};
  const std::string_view suffix = symbol.substr(dot);
  const std::string_view name = symbol.substr(0, dot);
  if (suffix.starts_with(kPart) && is_number(suffix.substr(kPart.size()))) return {name, false};
  if (suffix.starts_with(kRenamed) && is_number(suffix.substr(kRenamed.size()))) return {name};
  return {};
}

// A fast check of the first character, which rejects most lines.
bool may_be_wanted(char first) {
  static const std::array<bool, 256> begins = [] {
    std::array<bool, 256> result{};
    for (const std::string_view name : wanted_kernel_symbols()) result[std::uint8_t(name[0])] = true;
    return result;
  }();
  return begins[std::uint8_t(first)];
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
      "__free_iova",
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

void Kallsyms::add(std::string_view line) {
  // "ffffffff81000000 T name\t[module]"
  const auto first = line.find(' ');
  if (first == std::string_view::npos || first + 3 >= line.size()) return;
  if (addresses_hidden_) addresses_hidden_ = line.find_first_not_of('0') >= first;
  if (!may_be_wanted(line[first + 3])) return;
  std::string_view name = line.substr(first + 3);
  name = name.substr(0, name.find_first_of("\t "));
  const BaseName base = base_name(name);
  if (!wanted(base.name)) return;
  Symbol symbol{std::string(name), 0, base.whole};
  std::from_chars(line.data(), line.data() + first, symbol.address, 16);
  symbols_.push_back(std::move(symbol));
}

std::size_t Kallsyms::add_lines(std::string_view text) {
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
    add(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return begin;
}

Kallsyms Kallsyms::parse(std::string_view text) {
  Kallsyms result;
  result.add(text.substr(result.add_lines(text)));
  return result;
}

Expected<Kallsyms> Kallsyms::load(const std::string& path) {
  const auto unreadable = [&] {
    return fail(ErrorCode::internal,
                fmt::format("cannot read the kernel's symbols ({}: {})", path, std::strerror(errno)),
                "mount /proc, or run on a kernel with CONFIG_KALLSYMS");
  };
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return unreadable();
  Kallsyms result;
  std::vector<char> buffer(1 << 16);  // longer than any line
  std::size_t kept = 0;               // bytes of an incomplete line
  for (;;) {
    const ssize_t size = read(file.get(), buffer.data() + kept, buffer.size() - kept);
    if (size < 0) return unreadable();
    if (size == 0) break;
    const std::string_view text(buffer.data(), kept + static_cast<std::size_t>(size));
    const std::string_view rest = text.substr(result.add_lines(text));
    kept = rest.size() < buffer.size() ? rest.size() : 0;
    std::memmove(buffer.data(), rest.data(), kept);
  }
  result.add({buffer.data(), kept});
  return result;
}

std::optional<Symbol> Kallsyms::find(std::string_view name) const {
  const Symbol* best = nullptr;
  for (const Symbol& symbol : symbols_) {
    if (base_name(symbol.name).name != name) continue;
    if (symbol.whole) return symbol;
    if (best == nullptr) best = &symbol;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace rcached
