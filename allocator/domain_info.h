// SPDX-License-Identifier: Apache-2.0
// DomainInfo: the identity of a domain. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace rcached {

// `label` is the value of the Prometheus label `domain`: the IOMMU group number, or "iovad-N" for a domain that
// belongs to no group (N is an internal id, never an address).
struct DomainInfo {
  std::uint64_t id = 0;  // DomainSnapshot::id
  std::string label;
  std::string type;                 // the group's type as in sysfs: DMA, DMA-FQ; "unknown" without a group
  std::string devices;              // comma-separated device names, e.g. "0000:00:03.0"
  std::string driver;               // comma-separated distinct drivers, e.g. "nvme"; empty when none
  std::string iommu = {};           // the IOMMU's driver: intel, amd, smmu, virtio; empty: not known
  std::uint64_t granule_bytes = 0;  // 0: not known

  friend bool operator==(const DomainInfo&, const DomainInfo&) = default;
};

}  // namespace rcached
