// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/reserved_regions.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <ostream>
#include <string>

#include "tests/kit/temporary_folder.h"

namespace rcached {

void PrintTo(const AddressRange& range, std::ostream* out) {
  *out << std::hex << range.first << "-" << range.last << std::dec;
}

namespace {

namespace fs = std::filesystem;
using Ranges = std::vector<AddressRange>;

constexpr const char* kMsi = "0x00000000fee00000 0x00000000feefffff msi\n";
constexpr const char* kIomem =
    "00000000-00000fff : Reserved\n"
    "000a0000-000bffff : PCI Bus 0000:00\n"
    "00100000-7fffffff : System RAM\n"
    "  01000000-01ffffff : Kernel code\n"
    "c0000000-febfffff : PCI Bus 0000:00\n"
    "  c0000000-c01fffff : PCI Bus 0000:01\n"
    "    c0000000-c0003fff : nvme\n"
    "fec00000-fec003ff : IOAPIC 0\n"
    "100000000-17fffffff : System RAM\n"
    "380000000000-3807ffffffff : PCI Bus 0000:00\n"
    "390000000000-3907ffffffff : PCI Bus 0000:40\n";

// A fake sysfs and /proc/iomem.
class ReservedRegionsTest : public ::testing::Test {
 protected:
  ReservedRegionsTest() {
    paths_ = {root_ / "kernel/iommu_groups", root_ / "bus/pci/devices"};
    iomem_ = root_ / "iomem";
    fs::create_directories(paths_.pci_devices);
  }

  void group(int number, const std::string& regions) const {
    const fs::path path = paths_.groups / std::to_string(number);
    fs::create_directories(path / "devices");
    std::ofstream(path / "reserved_regions") << regions;
  }
  // `where` below devices/, as in "pci0000:00/0000:00:1c.0/0000:01:00.0".
  void member(int number, const fs::path& where) const {
    fs::create_directory_symlink("../../../../devices" / where,
                                 paths_.groups / std::to_string(number) / "devices" / where.filename());
  }
  void iomem(const std::string& text) const { std::ofstream(iomem_) << text; }
  void bars(const std::string& device, const std::string& resource) const {
    fs::create_directories(paths_.pci_devices / device);
    std::ofstream(paths_.pci_devices / device / "resource") << resource;
  }
  ReservedRegions read(int number, bool bars_only = false) const {
    return read_reserved_regions(number, bars_only, read_host_bridge_windows(iomem_), paths_);
  }

  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
  fs::path iomem_;
  ReservedRegionPaths paths_;
};

TEST_F(ReservedRegionsTest, TheGroupsRegionsAndTheWindowsOfItsHostBridge) {
  group(3, std::string("0x000000007c000000 0x000000007fffffff direct\n") + kMsi);
  member(3, "pci0000:00/0000:00:1c.0/0000:01:00.0");
  iomem(kIomem);
  EXPECT_EQ(read(3), (ReservedRegions{Ranges{{0xa0000, 0xbffff},
                                             {0x7c000000, 0x7fffffff},
                                             {0xc0000000, 0xfebfffff},
                                             {0xfee00000, 0xfeefffff},
                                             {0x380000000000, 0x3807ffffffff}},
                                      true}));
}

TEST_F(ReservedRegionsTest, EachBridgeHasItsOwnWindows) {
  group(7, kMsi);
  member(7, "pci0000:40/0000:40:01.0");
  iomem(kIomem);
  EXPECT_EQ(read(7).ranges, (Ranges{{0xfee00000, 0xfeefffff}, {0x390000000000, 0x3907ffffffff}}));
}

TEST_F(ReservedRegionsTest, FindsAWindowInsideAReservedArea) {
  group(1, "");
  member(1, "pci0000:00/0000:00:03.0");
  iomem("80000000-feffffff : Reserved\n  c0000000-febfffff : PCI Bus 0000:00\n");
  EXPECT_EQ(read(1), (ReservedRegions{Ranges{{0xc0000000, 0xfebfffff}}, true}));
}

TEST_F(ReservedRegionsTest, ADeviceThatIsNotOnPciHasNoWindows) {
  group(2, "0x0000000008000000 0x00000000080fffff msi\n0x0000000001000000 0x0000000001ffffff reserved\n");
  member(2, "platform/arm-smmu-test");
  EXPECT_EQ(read(2), (ReservedRegions{Ranges{{0x1000000, 0x1ffffff}}, true}))
      << "the software MSI window is not reserved, and /proc/iomem is not needed";
}

TEST_F(ReservedRegionsTest, IsIncompleteWithoutPermission) {
  group(3, kMsi);
  member(3, "pci0000:00/0000:00:03.0");
  iomem("00000000-00000000 : Reserved\n00000000-00000000 : PCI Bus 0000:00\n");
  EXPECT_EQ(read(3), (ReservedRegions{Ranges{{0xfee00000, 0xfeefffff}}, false}));
}

TEST_F(ReservedRegionsTest, IsIncompleteIfAFileCannotBeRead) {
  group(3, kMsi);
  member(3, "pci0000:00/0000:00:03.0");
  EXPECT_FALSE(read(3).complete) << "no /proc/iomem";
  iomem(kIomem);
  EXPECT_TRUE(read(3).complete);
  EXPECT_EQ(read(4), (ReservedRegions{{}, false})) << "no such group";
  fs::remove_all(paths_.pci_devices);
  EXPECT_EQ(read(3, true), (ReservedRegions{Ranges{{0xfee00000, 0xfeefffff}}, false}));
}

TEST_F(ReservedRegionsTest, TheOldIntelDriverReservesBarsInsteadOfWindows) {
  group(3, "0x0000000000000000 0x0000000000ffffff direct\n");
  member(3, "pci0000:00/0000:00:03.0");
  iomem(kIomem);
  bars("0000:00:03.0",
       "0x00000000febf0000 0x00000000febf3fff 0x0000000000140204\n"
       "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
       "0x000000000000c000 0x000000000000c03f 0x0000000000040101\n");  // ports
  bars("0000:00:04.0", "0x0000000800000000 0x00000008ffffffff 0x000000000014220c\n");
  fs::create_directories(paths_.pci_devices / "0000:00:05.0");  // gone while it was read
  EXPECT_EQ(read(3, true), (ReservedRegions{Ranges{{0x0, 0xffffff},
                                                   {0xfebf0000, 0xfebf3fff},
                                                   {0xfee00000, 0xfeefffff},
                                                   {0x800000000, 0x8ffffffff}},
                                            true}));
}

TEST_F(ReservedRegionsTest, OverlapsAreMergedAndAdjacentRangesAreNot) {
  group(1,
        "0x3000 0x3fff reserved\n"
        "0x1000 0x1fff direct\n"
        "0x1800 0x27ff direct-relaxable\n"
        "0x2000 0x20ff reserved\n"
        "0x4000 0x4fff reserved\n");
  EXPECT_EQ(read(1), (ReservedRegions{Ranges{{0x1000, 0x27ff}, {0x3000, 0x3fff}, {0x4000, 0x4fff}}, true}));
}

TEST_F(ReservedRegionsTest, InvalidLinesAreSkipped) {
  group(1,
        "\n"
        "reserved\n"
        "0x2000 0x1000 reserved\n"
        "0x1 0xzz reserved\n"
        "0x10000000000000000 0x10000000000000001 reserved\n"
        "0xfffffffffffff000 0xffffffffffffffff reserved\n");
  EXPECT_EQ(read(1), (ReservedRegions{Ranges{{0xfffffffffffff000, ~std::uint64_t{0}}}, true}));
  member(1, "pci0000:00/0000:00:03.0");
  iomem("-\n : \n- : PCI Bus 0000:00\n1000 : PCI Bus 0000:00\n      \n5000-5fff : PCI Bus 0000:00\n");
  EXPECT_EQ(read(1).ranges, (Ranges{{0x5000, 0x5fff}, {0xfffffffffffff000, ~std::uint64_t{0}}}));
}

}  // namespace
}  // namespace rcached
