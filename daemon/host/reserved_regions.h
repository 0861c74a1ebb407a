// SPDX-License-Identifier: Apache-2.0
// The addresses that the kernel reserved in an IOMMU group's IOVA domain when it made the domain, as far as
// userspace can find them. Tree ranges within them were reserved, not mapped by a driver.
//
// Mirrors, as far as visible from userspace:
//   * iova_reserve_iommu_regions of drivers/iommu/dma-iommu.c, all versions: the reserved regions of the
//     group's devices (reserved_regions in sysfs), except the software MSI window of ARM, which is not
//     reserved
//   * iova_reserve_pci_windows, same file: the memory windows of the host bridge above the group's PCI
//     devices ("PCI Bus 0000:00" in /proc/iomem, zeros without CAP_SYS_ADMIN)
//   * `bars_only`, dmar_init_reserved_ranges of drivers/iommu/intel/iommu.c up to 5.10, instead of the
//     windows: the IOAPIC's range and the memory BARs of every PCI device (current values, not those at boot)
//
// Units: bytes, both ends included. A kernel that rounds to its granule reserves the granules that a range
// touches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
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

// The memory windows of PCI buses. Read once, before capabilities are dropped: a host bridge that is added
// later is missing, and the ranges of its windows count as mapped before the start.
struct HostBridgeWindows {
  std::vector<std::pair<std::string, AddressRange>> windows;  // "PCI Bus 0000:00"
  bool readable = false;                                      // some address is not zero
};

HostBridgeWindows read_host_bridge_windows(const std::filesystem::path& iomem = "/proc/iomem");

struct ReservedRegionPaths {
  std::filesystem::path groups = "/sys/kernel/iommu_groups";
  std::filesystem::path pci_devices = "/sys/bus/pci/devices";
};

ReservedRegions read_reserved_regions(int group, bool bars_only, const HostBridgeWindows& windows,
                                      const ReservedRegionPaths& paths = {});

}  // namespace rcached
