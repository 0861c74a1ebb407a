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

// A symbol's name without its suffixes: "alloc_iova.part.0" -> "alloc_iova". Empty when they mean something else than a
// function.
struct BaseName {
  std::string_view name;
  SymbolBody body = SymbolBody::whole;
};

// Removes ".kind.N" from the front of `suffixes`; returns the kind, or nothing if there is no such suffix.
std::string_view take_suffix(std::string_view& suffixes) {
  if (!suffixes.starts_with('.')) return {};
  const auto dot = suffixes.find('.', 1);
  if (dot == std::string_view::npos) return {};
  const auto end = std::min(suffixes.find('.', dot + 1), suffixes.size());
  if (!is_number(suffixes.substr(dot + 1, end - dot - 1))) return {};
  const std::string_view kind = suffixes.substr(1, dot - 1);
  suffixes.remove_prefix(end);
  return kind;
}

BaseName base_name(std::string_view symbol) {
  std::string_view suffixes = symbol.substr(std::min(symbol.find('.'), symbol.size()));
  BaseName base{symbol.substr(0, symbol.size() - suffixes.size())};
  while (!suffixes.empty()) {
    const std::string_view kind = take_suffix(suffixes);
    if (kind == "isra" || kind == "constprop")
      base.body = SymbolBody::changed;
    else if (kind == "part")
      base.body = std::max(base.body, SymbolBody::part);
    else if (kind != "llvm")
      return {};
  }
  return base;
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
  Symbol symbol{std::string(name), 0, base.body};
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
    if (best == nullptr || symbol.body < best->body) best = &symbol;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace rcached
