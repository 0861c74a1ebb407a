// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/reserved_regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rcached {
namespace {

namespace fs = std::filesystem;

constexpr AddressRange kIoapicRange{0xfee00000, 0xfeefffff};
// MSI_IOVA_BASE and MSI_IOVA_LENGTH of the ARM SMMU drivers. sysfs lists it as "msi", like the windows of the
// hardware.
constexpr AddressRange kSoftwareMsi{0x8000000, 0x80fffff};
constexpr std::uint64_t kIoresourceMem = 0x200;  // include/linux/ioport.h

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc{} || last != end) return std::nullopt;
  return value;
}

std::optional<AddressRange> parse_range(std::string_view first, std::string_view last) {
  const auto low = parse_hex(first), high = parse_hex(last);
  if (!low || !high || *low > *high) return std::nullopt;
  return AddressRange{*low, *high};
}

std::vector<AddressRange> merged(std::vector<AddressRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.first < b.first; });
  std::vector<AddressRange> out;
  for (const AddressRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().last) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

// "0x00000000fee00000 0x00000000feefffff msi"
bool add_group_regions(const fs::path& group, std::vector<AddressRange>& ranges) {
  std::ifstream file(group / "reserved_regions");
  if (!file) return false;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first, last, type;
    words >> first >> last >> type;
    const auto range = parse_range(first, last);
    if (range && !(type == "msi" && *range == kSoftwareMsi)) ranges.push_back(*range);
  }
  return true;
}

// The names of the host bridges' windows above the group's devices: "PCI Bus 0000:00" for devices below
// devices/pci0000:00 in sysfs. False: the devices could not be read.
bool find_root_buses(const fs::path& group, std::set<std::string>& names) {
  std::error_code error;
  for (fs::directory_iterator it(group / "devices", error), end; !error && it != end; it.increment(error)) {
    std::error_code no_link;
    for (const fs::path& part : fs::read_symlink(it->path(), no_link)) {
      const std::string name = part.string();
      if (!name.starts_with("pci") || name.find(':') == std::string::npos) continue;
      names.insert("PCI Bus " + name.substr(3));
      break;  // the topmost
    }
  }
  return !error;
}

void add_windows(const HostBridgeWindows& windows, const std::set<std::string>& names,
                 std::vector<AddressRange>& ranges) {
  for (const auto& [name, range] : windows.windows)
    if (names.contains(name)) ranges.push_back(range);
}

// Lines "0xstart 0xend 0xflags", one per resource, of zeros when there is none.
bool add_bars(const fs::path& devices, std::vector<AddressRange>& ranges) {
  ranges.push_back(kIoapicRange);
  std::error_code error;
  for (fs::directory_iterator it(devices, error), end; !error && it != end; it.increment(error)) {
    std::ifstream file(it->path() / "resource");  // the device may vanish meanwhile
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string first, last, flags;
      words >> first >> last >> flags;
      const auto range = parse_range(first, last);
      if (range && (parse_hex(flags).value_or(0) & kIoresourceMem) != 0) ranges.push_back(*range);
    }
  }
  return !error;
}

}  // namespace

// "  c0000000-febfffff : PCI Bus 0000:00". A name is accepted at any depth: firmware may put a reserved area
// around a window, and no bus below a bridge has the name of a root bus.
HostBridgeWindows read_host_bridge_windows(const fs::path& iomem) {
  HostBridgeWindows found;
  std::ifstream file(iomem);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(" : ");
    const auto begin = line.find_first_not_of(' ');
    const auto dash = line.find('-', begin);
    if (colon == std::string::npos || dash == std::string::npos || dash > colon) continue;
    const std::string_view text(line);
    const auto range = parse_range(text.substr(begin, dash - begin), text.substr(dash + 1, colon - dash - 1));
    if (!range || range->last == 0) continue;
    found.readable = true;
    std::string name = line.substr(colon + 3);
    if (name.starts_with("PCI Bus ")) found.windows.emplace_back(std::move(name), *range);
  }
  return found;
}

ReservedRegions read_reserved_regions(int group, bool bars_only, const HostBridgeWindows& windows,
                                      const ReservedRegionPaths& paths) {
  const fs::path directory = paths.groups / fmt::format("{}", group);
  ReservedRegions found;
  found.complete = add_group_regions(directory, found.ranges);
  if (bars_only) {
    found.complete = add_bars(paths.pci_devices, found.ranges) && found.complete;
  } else {
    std::set<std::string> names;
    found.complete = find_root_buses(directory, names) && found.complete;
    found.complete = (windows.readable || names.empty()) && found.complete;
    add_windows(windows, names, found.ranges);
  }
  found.ranges = merged(std::move(found.ranges));
  return found;
}

}  // namespace rcached
