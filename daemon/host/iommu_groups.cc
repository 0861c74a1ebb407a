// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/iommu_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>

namespace rcached {
namespace {

namespace fs = std::filesystem;

// The names in `directory`; empty when it cannot be read.
std::vector<std::string> list(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<int> group_number(const std::string& name) {
  int number = 0;
  const char* end = name.data() + name.size();
  const auto [last, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc{} || last != end || number < 0) return std::nullopt;
  return number;
}

std::string read_type(const fs::path& group) {
  std::ifstream file(group / "type");
  std::string type;
  std::getline(file, type);
  return type.empty() ? "unknown" : type;
}

std::string driver_of(const fs::path& device) {
  std::error_code error;
  const fs::path target = fs::read_symlink(device / "driver", error);
  return error ? std::string() : target.filename().string();
}

// From the name of an IOMMU in /sys/class/iommu: dmar0, ivhd1, smmu3.0x0000000002b400000; a virtio-iommu has
// the address of its device.
std::string iommu_of(const fs::path& device) {
  std::error_code error;
  std::string name = fs::read_symlink(device / "iommu", error).filename().string();
  if (error) return {};
  if (name.starts_with("dmar")) return "intel";
  if (name.starts_with("ivhd")) return "amd";
  if (name.find("smmu") != std::string::npos) return "smmu";
  if (name.find(':') != std::string::npos || name.starts_with("virtio")) return "virtio";
  return name;
}

}  // namespace

std::string IommuGroup::device_list() const {
  std::vector<std::string> names;
  names.reserve(devices.size());
  for (const IommuDevice& device : devices) names.push_back(device.name);
  return fmt::format("{}", fmt::join(names, ","));
}

std::string IommuGroup::driver_list() const {
  std::set<std::string> names;
  for (const IommuDevice& device : devices) {
    if (!device.driver.empty()) names.insert(device.driver);
  }
  return fmt::format("{}", fmt::join(names, ","));
}

std::vector<IommuGroup> read_iommu_groups(const fs::path& root) {
  std::vector<IommuGroup> groups;
  for (const std::string& name : list(root)) {
    const auto number = group_number(name);
    if (!number) continue;
    IommuGroup group{*number, read_type(root / name), {}, {}};
    const fs::path devices = root / name / "devices";
    for (const std::string& device : list(devices)) {
      group.devices.push_back({device, driver_of(devices / device)});
      if (group.iommu.empty()) group.iommu = iommu_of(devices / device);
    }
    groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(),
            [](const IommuGroup& a, const IommuGroup& b) { return a.number < b.number; });
  return groups;
}

}  // namespace rcached
