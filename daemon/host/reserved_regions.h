// SPDX-License-Identifier: Apache-2.0
// The addresses that the kernel reserved in an IOMMU group's IOVA domain when it made the domain, as far as
// userspace can find them. Tree ranges within them were reserved, not mapped by a driver.
//
// Mirrors, as far as visible from userspace:
//   * iova_reserve_iommu_regions of drivers/iommu/dma-iommu.c, all versions: the reserved regions of the
//     group's devices (reserved_regions in sysfs), except the software MSI window of ARM, which is not
//     reserved
//   * iova_reserve_pci_windows, same file: the memory windows of the host bridge above the group's PCI
//     devices ("PCI Bus 0000:00" in /proc/iomem, zeros without CAP_SYS_ADMIN), by their bus addresses
//   * `bars_only`, dmar_init_reserved_ranges of drivers/iommu/intel/iommu.c up to 5.10, instead of the
//     windows: the IOAPIC's range and the memory BARs of every PCI device (current values, not those at boot)
//
// Units: bytes, both ends included. A kernel that rounds to its granule reserves the granules that a range
// touches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rcached {

struct AddressRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // included
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

struct ReservedRegions {
  std::vector<AddressRange> ranges;  // ascending; overlapping ranges are merged, adjacent ones are not
  bool complete = false;             // false: something could not be read; there may be more ranges
  friend bool operator==(const ReservedRegions&, const ReservedRegions&) = default;
};

struct ReservedRegionPaths {
  std::filesystem::path groups = "/sys/kernel/iommu_groups";
  std::filesystem::path pci_devices = "/sys/bus/pci/devices";
};

struct HostBridgeWindow {
  std::string bus;      // "PCI Bus 0000:00"
  AddressRange memory;  // as the CPU sees it
  // CPU address - bus address, modulo 2^64; nullopt: unknown. Devices, and so the IOVA domain, use bus addresses.
  std::optional<std::uint64_t> offset;
};

// The memory windows of PCI buses. Read once, before capabilities are dropped: a host bridge that is added
// later is missing, and the ranges of its windows count as mapped before the start.
struct HostBridgeWindows {
  std::vector<HostBridgeWindow> windows;
  bool readable = false;  // some address is not zero
};

// The offset of a window that contains no BAR. x86: bus addresses are CPU addresses, unless another window of the bridge
// shows that they are not. arm64: bridges often translate.
enum class UnseenOffset { zero, unknown };
#if defined(__x86_64__)
inline constexpr UnseenOffset kUnseenOffset = UnseenOffset::zero;
#else
inline constexpr UnseenOffset kUnseenOffset = UnseenOffset::unknown;
#endif

// The kernel does not show the offset of a window, but it can be seen in every memory BAR inside: `resource` in sysfs has
// its CPU address, the BAR itself (`config`) its bus address. Suspended devices are left alone. Windows whose BARs
// disagree have no known offset.
HostBridgeWindows read_host_bridge_windows(const std::filesystem::path& iomem = "/proc/iomem",
                                           const ReservedRegionPaths& paths = {},
                                           UnseenOffset unseen = kUnseenOffset);

// Windows whose offset is unknown are left out, and the result is not complete.
ReservedRegions read_reserved_regions(int group, bool bars_only, const HostBridgeWindows& windows,
                                      const ReservedRegionPaths& paths = {});

}  // namespace rcached
