// SPDX-License-Identifier: Apache-2.0
#include "daemon/pipeline/domain_registry.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace rcached {
namespace {

DiscoveredDomain found(std::uint64_t key, std::optional<int> group, std::uint64_t granule = 4096) {
  DiscoveredDomain domain;
  domain.key = key;
  domain.group = group;
  domain.granule_bytes = granule;
  return domain;
}

std::vector<std::string> labels(const DomainRegistry& registry) {
  std::vector<std::string> labels;
  for (const DomainInfo& info : registry.infos()) labels.push_back(info.label);
  return labels;
}

using Labels = std::vector<std::string>;

TEST(DomainRegistry, ADomainWithoutAGroupIsNamedByItsNumber) {
  DomainRegistry registry;
  EXPECT_EQ(registry.add(0xaaaa, 4096), 1u);
  EXPECT_EQ(registry.find(0xaaaa), 1u);
  EXPECT_EQ(registry.find(0xbbbb), std::nullopt);
  EXPECT_TRUE(registry.has_unnamed());
  const DomainInfo info = registry.infos().front();
  EXPECT_EQ(info.label, "iovad-1");
  EXPECT_EQ(info.type, "unknown");
  EXPECT_EQ(info.granule_bytes, 4096u);
}

TEST(DomainRegistry, DiscoveryGivesGroupTypeDevicesAndDrivers) {
  DomainRegistry registry;
  registry.add(0xaaaa);
  const std::vector<IommuGroup> groups = {
      {5, "DMA-FQ", {{"0000:00:03.0", "nvme"}, {"0000:00:04.0", ""}, {"0000:00:05.0", "e1000e"}}}};
  EXPECT_TRUE(registry.update({found(0xaaaa, 5, 65536)}, groups).empty());
  EXPECT_FALSE(registry.has_unnamed());
  const DomainInfo info = registry.infos().front();
  EXPECT_EQ(info.label, "5");
  EXPECT_EQ(info.type, "DMA-FQ");
  EXPECT_EQ(info.devices, "0000:00:03.0,0000:00:04.0,0000:00:05.0");
  EXPECT_EQ(info.driver, "e1000e,nvme");
  EXPECT_EQ(info.granule_bytes, 65536u);
}

TEST(DomainRegistry, NamesFromTheSourceTakePrecedence) {
  DomainRegistry registry;
  DiscoveredDomain domain = found(1, 1);
  domain.type = "DMA";
  domain.devices = "synthetic0";
  domain.driver = "synthetic";
  EXPECT_EQ(registry.update({domain}, {{1, "identity", {{"real", "real"}}}}), std::vector<std::uint64_t>{1});
  EXPECT_EQ(registry.infos().front().devices, "synthetic0");
  EXPECT_EQ(registry.infos().front().type, "DMA");
}

TEST(DomainRegistry, AFreedAddressUsedAgainIsANewDomain) {
  DomainRegistry registry;
  registry.add(0xaaaa);
  registry.update({found(0xaaaa, 5)}, {});
  registry.retire(0xaaaa);
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(registry.add(0xaaaa), 2u);
  EXPECT_EQ(labels(registry), Labels{"iovad-2"});
  registry.retire(0xcccc);  // never known
}

TEST(DomainRegistry, AMovedGroupKeepsItsLabel) {
  DomainRegistry registry;
  registry.add(0xaaaa);
  registry.update({found(0xaaaa, 5)}, {});
  registry.add(0xbbbb);
  registry.update({found(0xbbbb, 5)}, {});
  EXPECT_EQ(labels(registry), (Labels{"iovad-1", "5"}));
}

TEST(DomainRegistry, AnUnlistedDomainKeepsItsGroupUntilItIsClaimed) {
  DomainRegistry registry;
  registry.add(0xaaaa);
  registry.update({found(0xaaaa, 5)}, {});
  registry.update({}, {});
  EXPECT_EQ(labels(registry), Labels{"5"});
  registry.update({found(0xaaaa, std::nullopt)}, {});
  EXPECT_EQ(labels(registry), Labels{"5"});
}

TEST(DomainRegistry, TwoDomainsThatSwapGroups) {
  DomainRegistry registry;
  registry.update({found(0xaaaa, 5), found(0xbbbb, 6)}, {});
  registry.update({found(0xaaaa, 6), found(0xbbbb, 5)}, {});
  EXPECT_EQ(labels(registry), (Labels{"6", "5"}));
}

TEST(DomainRegistry, InconsistentLists) {
  DomainRegistry registry;
  registry.update({found(0, 1), found(0xaaaa, 5), found(0xbbbb, 5), found(0xaaaa, 6)}, {});
  EXPECT_EQ(labels(registry), (Labels{"5", "iovad-2"}));
}

TEST(DomainRegistry, LabelsAreUniqueAndAddressesStayInside) {
  std::mt19937 random(7);
  DomainRegistry registry;
  const auto key = [&] { return 0xffff888000000000 + random() % 12 * 4096; };
  for (int step = 0; step < 5000; ++step) {
    switch (random() % 3) {
      case 0: {
        const auto added = key();
        if (!registry.find(added)) registry.add(added);
        break;
      }
      case 1:
        registry.retire(key());
        break;
      default: {
        std::vector<DiscoveredDomain> list;
        for (unsigned i = 0; i < random() % 6; ++i)
          list.push_back(found(key(), static_cast<int>(random() % 6)));
        registry.update(list, {});
      }
    }
    const auto all = labels(registry);
    ASSERT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << "step " << step;
    for (const std::string& label : all) ASSERT_EQ(label.find("18446"), std::string::npos);
  }
}

}  // namespace
}  // namespace rcached
