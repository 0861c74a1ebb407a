// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/reserved_regions.h"

#include <fmt/format.h>
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
    return read_reserved_regions(number, bars_only, read_host_bridge_windows(iomem_, paths_, unseen_),
                                 paths_);
  }
  // A PCI device with one memory BAR: its address for the CPU, and what is in the BAR.
  void device(const fs::path& where, std::uint64_t cpu, std::uint64_t bus, bool wide = false,
              const std::string& runtime_status = "active", char header_type = 0) const {
    const fs::path real = root_ / "devices" / where;
    fs::create_directories(real / "power");
    fs::create_directory_symlink(fs::path("../../../devices") / where, paths_.pci_devices / where.filename());
    std::ofstream(real / "resource") << "0x0 0x0 0x0\n"
                                     << fmt::format("{:#x} {:#x} {:#x}\n", cpu, cpu + 0xfff,
                                                    wide ? 0x140204 : 0x40200);
    std::string config(64, '\0');
    config[0x0e] = header_type;
    const std::uint64_t value = bus | (wide ? 0xc : 0x0);
    for (int byte = 0; byte < (wide ? 8 : 4); ++byte)
      config[0x14 + static_cast<std::size_t>(byte)] = static_cast<char>(value >> (8 * byte));
    std::ofstream(real / "config", std::ios::binary) << config;
    std::ofstream(real / "power/runtime_status") << runtime_status << "\n";
  }

  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
  fs::path iomem_;
  UnseenOffset unseen_ = UnseenOffset::zero;
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

// Like a board whose bridge maps bus address 0xc0000000 to CPU address 0x600000000, with a second, wide window.
constexpr const char* kTranslated =
    "00000000-3fffffff : System RAM\n"
    "600000000-63fffffff : PCI Bus 0000:00\n"
    "  600000000-6000fffff : PCI Bus 0000:01\n"
    "8000000000-80ffffffff : PCI Bus 0000:00\n";
constexpr AddressRange kLow{0xc0000000, 0xffffffff}, kHigh{0x4000000000, 0x40ffffffff};

class TranslatedWindows : public ReservedRegionsTest {
 protected:
  TranslatedWindows() {
    unseen_ = UnseenOffset::unknown;
    group(3, "");
    member(3, "pci0000:00/0000:00:01.0/0000:01:00.0");
    iomem(kTranslated);
  }
};

TEST_F(TranslatedWindows, AreReservedByTheirBusAddresses) {
  device("pci0000:00/0000:00:01.0/0000:01:00.0", 0x600000000, 0xc0000000);
  device("pci0000:00/0000:00:01.0/0000:01:00.1", 0x8000001000, 0x4000001000, true);
  EXPECT_EQ(read(3), (ReservedRegions{Ranges{kLow, kHigh}, true}));
}

TEST_F(TranslatedWindows, AWindowOfUnknownOffsetIsLeftOut) {
  EXPECT_EQ(read(3), (ReservedRegions{{}, false}));
  device("pci0000:00/0000:00:01.0/0000:01:00.0", 0x600000000, 0xc0000000);
  EXPECT_EQ(read(3), (ReservedRegions{Ranges{kLow}, false}));
  unseen_ = UnseenOffset::zero;
  EXPECT_EQ(read(3), (ReservedRegions{Ranges{kLow}, false})) << "the bridge translates";
}

TEST_F(TranslatedWindows, OnlyABarInTheWindowShowsItsOffset) {
  device("pci0000:00/0000:00:02.0", 0x500000000, 0x10000000);  // in none
  device("pci0000:40/0000:40:02.0", 0x600001000, 0x10000000);  // of another bridge
  device("pci0000:00/0000:00:03.0", 0x600002000, 0);           // an SR-IOV function
  device("pci0000:00/0000:00:04.0", 0x600003000, 0xfffffff0);  // below: does not answer
  device("pci0000:00/0000:00:05.0", 0x600004000, 0x10000000, false, "suspended");
  device("pci0000:00/0000:00:06.0", 0x600005000, 0x10000000, true, "active", 1);  // a bridge has two BARs
  std::fstream config(root_ / "devices/pci0000:00/0000:00:04.0/config", std::ios::in | std::ios::out);
  config.seekp(0x14).put('\xff');
  config.close();
  EXPECT_EQ(read(3), (ReservedRegions{{}, false}));
  device("pci0000:00/0000:00:07.0", 0x600006000, 0xc0006000, false, "active", static_cast<char>(0x80));
  EXPECT_EQ(read(3), (ReservedRegions{Ranges{kLow}, false}));
  device("pci0000:00/0000:00:08.0", 0x600007000, 0xd0007000);
  EXPECT_EQ(read(3), (ReservedRegions{{}, false})) << "the BARs disagree";
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
