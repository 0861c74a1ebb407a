// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/iommu_groups.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/kit/temporary_folder.h"

namespace rcached {
namespace {

namespace fs = std::filesystem;

// A fake sysfs.
class IommuGroupsTest : public ::testing::Test {
 protected:
  IommuGroupsTest() { fs::create_directories(groups()); }

  fs::path groups() const { return root_ / "kernel/iommu_groups"; }

  void group(const std::string& number, const std::string& type) const {
    fs::create_directories(groups() / number / "devices");
    if (!type.empty()) std::ofstream(groups() / number / "type") << type << "\n";
  }

  // Links the device to the IOMMU of this name in /sys/class/iommu.
  void iommu(const std::string& device, const std::string& name) const {
    fs::create_directory_symlink(root_ / "iommu" / name, root_ / "devices" / device / "iommu");
  }

  void device(const std::string& number, const std::string& name, const std::string& driver) const {
    const fs::path device = root_ / "devices" / name;
    fs::create_directories(device);
    fs::create_directory_symlink(device, groups() / number / "devices" / name);
    if (driver.empty()) return;
    fs::create_directories(root_ / "drivers" / driver);
    fs::create_directory_symlink(root_ / "drivers" / driver, device / "driver");
  }

  rcached::testing::TemporaryFolder folder_;
  const fs::path root_ = folder_.path();
};

TEST_F(IommuGroupsTest, AreSortedByNumber) {
  group("10", "DMA");
  group("2", "DMA-FQ");
  group("0", "identity");
  device("2", "0000:00:04.0", "nvme");
  device("2", "0000:00:03.0", "e1000e");
  device("2", "0000:00:05.0", "");
  const auto found = read_iommu_groups(groups());
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0], (IommuGroup{0, "identity", {}, ""}));
  EXPECT_EQ(
      found[1],
      (IommuGroup{
          2, "DMA-FQ", {{"0000:00:03.0", "e1000e"}, {"0000:00:04.0", "nvme"}, {"0000:00:05.0", ""}}, ""}));
  EXPECT_EQ(found[2].number, 10);
  EXPECT_FALSE(found[0].translates_dma());
  EXPECT_TRUE(found[1].translates_dma());
  EXPECT_TRUE(found[2].translates_dma());
}

TEST_F(IommuGroupsTest, DriversAreListedOnce) {
  const IommuGroup group{1, "DMA", {{"a", "virtio-pci"}, {"b", "ahci"}, {"c", "virtio-pci"}, {"d", ""}}, ""};
  EXPECT_EQ(group.device_list(), "a,b,c,d");
  EXPECT_EQ(group.driver_list(), "ahci,virtio-pci");
}

TEST_F(IommuGroupsTest, AKernelWithoutAnIommuHasNone) {
  EXPECT_TRUE(read_iommu_groups(groups()).empty());
  EXPECT_TRUE(read_iommu_groups(root_ / "nowhere").empty());
}

TEST_F(IommuGroupsTest, WhatIsMissingIsLeftOut) {
  group("1", "");  // a kernel without the file
  group("not-a-number", "DMA");
  group("-1", "DMA");
  group("99999999999", "DMA");
  fs::create_directories(groups() / "3");  // gone while it was read
  fs::create_directory_symlink(root_ / "gone", groups() / "1/devices/0000:00:01.0");
  const auto found = read_iommu_groups(groups());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (IommuGroup{1, "unknown", {{"0000:00:01.0", ""}}, ""}));
  EXPECT_EQ(found[1], (IommuGroup{3, "unknown", {}, ""}));
}

TEST_F(IommuGroupsTest, DetectTheIommuDriverByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"dmar0", "intel"},     {"ivhd1", "amd"},           {"smmu3.0x0000000002b400000", "smmu"},
      {"arm-smmu.1", "smmu"}, {"0000:00:05.0", "virtio"}, {"ipmmu", "ipmmu"}};
  int number = 0;
  for (const auto& [name, wanted] : cases) {
    group(std::to_string(number), "DMA");
    const std::string device_name = "0000:01:0" + std::to_string(number) + ".0";
    device(std::to_string(number), device_name, "");
    iommu(device_name, name);
    EXPECT_EQ(read_iommu_groups(groups()).at(static_cast<std::size_t>(number)).iommu, wanted) << name;
    ++number;
  }
}

}  // namespace
}  // namespace rcached
