// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/contents_lines.h"

#include <fmt/format.h>

#include <cstdint>

namespace rcached {
namespace {

class Digest {
 public:
  void add(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; }
  void add(const Pfns& pfns) {
    for (const std::uint64_t pfn : pfns) add(pfn);
  }
  std::string text() const { return fmt::format("{:016x}", hash_); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace

std::vector<std::string> contents_lines(std::string_view domain, const DomainContents& contents) {
  std::vector<std::string> lines;
  for (const CpuContents& cpu : contents.cpus) {
    for (unsigned order = 0; order < kCachedOrders; ++order) {
      const auto& [loaded, prev] = cpu.orders[order];
      if (loaded.empty() && prev.empty()) continue;
      Digest digest;
      digest.add(loaded);
      digest.add(prev);
      lines.push_back(fmt::format("cpu {} {} {} {} {} {}", domain, order, cpu.cpu, loaded.size(), prev.size(),
                                  digest.text()));
    }
  }
  for (unsigned order = 0; order < kCachedOrders; ++order) {
    const std::vector<Pfns>& depot = contents.depots[order];
    if (depot.empty()) continue;
    Digest digest;
    for (const Pfns& magazine : depot) digest.add(magazine);
    lines.push_back(fmt::format("depot {} {} {} {}", domain, order, depot.size(), digest.text()));
  }
  Digest digest;
  for (const TreeRange& range : contents.tree) {
    digest.add(range.lo);
    digest.add(range.hi);
  }
  lines.push_back(fmt::format("tree {} {} {}", domain, contents.tree.size(), digest.text()));
  return lines;
}

}  // namespace rcached
