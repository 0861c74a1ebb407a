// SPDX-License-Identifier: Apache-2.0
// IOMMU groups from sysfs: number, type, devices and the drivers bound to them. Readable by any user.
//
// The tree changes while it is read (hotplug, driver binding): entries that vanish are left out, never an
// error. A kernel without an IOMMU gives an empty list.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rcached {

struct IommuDevice {
  std::string name;    // "0000:00:03.0"
  std::string driver;  // empty: none bound
  friend bool operator==(const IommuDevice&, const IommuDevice&) = default;
};

struct IommuGroup {
  int number = 0;
  std::string type;  // "DMA", "DMA-FQ", "identity", ...; "unknown" if the kernel does not show it
  std::vector<IommuDevice> devices;  // by name
  std::string iommu = {};  // the IOMMU's driver: intel, amd, smmu, virtio, else its name; empty: unknown

  // The kernel maps this group's DMA itself, so its domain allocates IOVAs.
  bool translates_dma() const { return type.starts_with("DMA"); }
  std::string device_list() const;  // comma-separated
  std::string driver_list() const;  // comma-separated, distinct, sorted
  friend bool operator==(const IommuGroup&, const IommuGroup&) = default;
};

inline constexpr const char* kIommuGroupsPath = "/sys/kernel/iommu_groups";

// Sorted by number.
std::vector<IommuGroup> read_iommu_groups(const std::filesystem::path& root = kIommuGroupsPath);

}  // namespace rcached
