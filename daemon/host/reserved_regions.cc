// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/reserved_regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
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
// include/linux/ioport.h
constexpr std::uint64_t kIoresourceMem = 0x200, kIoresourceMem64 = 0x100000;
// include/uapi/linux/pci_regs.h
constexpr std::size_t kPciHeaderBytes = 64, kPciHeaderType = 0x0e, kPciBaseAddress = 0x10;
constexpr int kBars = 6, kBarsOfBridge = 2;

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

// "PCI Bus 0000:00", the name of the host bridge's windows, for a device below devices/pci0000:00 in sysfs; empty if it
// is not on PCI.
std::string root_bus(const fs::path& device_link) {
  std::error_code no_link;
  for (const fs::path& part : fs::read_symlink(device_link, no_link)) {
    const std::string name = part.string();
    if (name.starts_with("pci") && name.find(':') != std::string::npos) return "PCI Bus " + name.substr(3);
  }
  return {};
}

// The root buses above the group's devices. False: the devices could not be read.
bool find_root_buses(const fs::path& group, std::set<std::string>& names) {
  std::error_code error;
  for (fs::directory_iterator it(group / "devices", error), end; !error && it != end; it.increment(error)) {
    if (std::string name = root_bus(it->path()); !name.empty()) names.insert(std::move(name));
  }
  return !error;
}

// False: the offset of a window is unknown.
bool add_windows(const HostBridgeWindows& windows, const std::set<std::string>& names,
                 std::vector<AddressRange>& ranges) {
  bool complete = true;
  for (const HostBridgeWindow& window : windows.windows) {
    if (!names.contains(window.bus)) continue;
    complete = complete && window.offset;
    if (window.offset)
      ranges.push_back({window.memory.first - *window.offset, window.memory.last - *window.offset});
  }
  return complete;
}

struct MemoryBar {
  int number = 0;
  AddressRange range;  // as the CPU sees it
  bool wide = false;   // 64 bits
};

// Lines "0xstart 0xend 0xflags", one per resource, of zeros when there is none; the first are those of the BARs. Also
// takes other resources of the device, with a number from kBars on.
std::vector<MemoryBar> read_bars(const fs::path& device) {
  std::vector<MemoryBar> bars;
  std::ifstream file(device / "resource");  // the device may vanish meanwhile
  int number = 0;
  for (std::string line; std::getline(file, line); ++number) {
    std::istringstream words(line);
    std::string first, last, flag_word;
    words >> first >> last >> flag_word;
    const auto range = parse_range(first, last);
    const std::uint64_t flags = parse_hex(flag_word).value_or(0);
    if (range && (flags & kIoresourceMem) != 0)
      bars.push_back({number, *range, (flags & kIoresourceMem64) != 0});
  }
  return bars;
}

bool add_bars(const fs::path& devices, std::vector<AddressRange>& ranges) {
  ranges.push_back(kIoapicRange);
  std::error_code error;
  for (fs::directory_iterator it(devices, error), end; !error && it != end; it.increment(error))
    for (const MemoryBar& bar : read_bars(it->path())) ranges.push_back(bar.range);
  return !error;
}

// Empty if it cannot be read, or only by waking the device.
std::string read_pci_header(const fs::path& device) {
  std::string status;
  std::ifstream(device / "power/runtime_status") >> status;
  if (status.starts_with("suspend")) return {};
  std::string header(kPciHeaderBytes, '\0');
  std::ifstream file(device / "config", std::ios::binary);
  if (!file.read(header.data(), static_cast<std::streamsize>(header.size()))) return {};
  return header;
}

// The bus address that is in a BAR; 0: none (an SR-IOV function, or the device does not answer).
std::uint64_t bus_address(const std::string& header, const MemoryBar& bar) {
  const bool bridge = (header[kPciHeaderType] & 0x7f) != 0;
  if (bar.number + (bar.wide ? 1 : 0) >= (bridge ? kBarsOfBridge : kBars)) return 0;
  std::uint64_t value = 0;
  for (std::size_t byte = bar.wide ? 8 : 4; byte-- > 0;)
    value =
        value << 8 | static_cast<std::uint8_t>(header[kPciBaseAddress + std::size_t{4} * bar.number + byte]);
  if (value == (bar.wide ? ~std::uint64_t{0} : 0xffffffff)) return 0;
  return value & ~std::uint64_t{0xf};
}

void find_offsets(std::vector<HostBridgeWindow>& windows, const fs::path& devices, UnseenOffset unseen) {
  std::vector<std::set<std::uint64_t>> seen(windows.size());
  std::error_code error;
  for (fs::directory_iterator it(devices, error), end; !error && it != end; it.increment(error)) {
    const std::string bus = root_bus(it->path());
    const std::string header = read_pci_header(it->path());
    if (bus.empty() || header.empty()) continue;
    for (const MemoryBar& bar : read_bars(it->path())) {
      const std::uint64_t address = bus_address(header, bar);
      if (address == 0) continue;
      for (std::size_t i = 0; i < windows.size(); ++i) {
        const AddressRange& memory = windows[i].memory;
        if (windows[i].bus == bus && memory.first <= bar.range.first && bar.range.last <= memory.last)
          seen[i].insert(bar.range.first - address);
      }
    }
  }
  std::set<std::string> translating;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (seen[i].size() == 1) windows[i].offset = *seen[i].begin();
    if (!seen[i].empty() && seen[i] != std::set<std::uint64_t>{0}) translating.insert(windows[i].bus);
  }
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (seen[i].empty() && unseen == UnseenOffset::zero && !translating.contains(windows[i].bus))
      windows[i].offset = 0;
  }
}

}  // namespace

// "  c0000000-febfffff : PCI Bus 0000:00". A name is accepted at any depth: firmware may put a reserved area
// around a window, and no bus below a bridge has the name of a root bus.
HostBridgeWindows read_host_bridge_windows(const fs::path& iomem, const ReservedRegionPaths& paths,
                                           UnseenOffset unseen) {
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
    if (name.starts_with("PCI Bus ")) found.windows.push_back({std::move(name), *range, std::nullopt});
  }
  find_offsets(found.windows, paths.pci_devices, unseen);
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
    found.complete = add_windows(windows, names, found.ranges) && found.complete;
  }
  found.ranges = merged(std::move(found.ranges));
  return found;
}

}  // namespace rcached
