// SPDX-License-Identifier: Apache-2.0
#include "view/domain_names.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

View view_of(const std::vector<std::pair<std::uint64_t, std::string>>& domains) {
  View view;
  for (const auto& [id, label] : domains) {
    view.snapshot.domains.emplace_back().id = id;
    DomainInfo& info = view.domains.emplace_back();
    info.id = id;
    info.label = label;
  }
  return view;
}

TEST(DomainNames, PairsEachDomainWithItsInfoById) {
  View view = view_of({{1, "4"}, {2, "7"}});
  std::swap(view.domains[0], view.domains[1]);
  const auto named = named_domains(view);
  ASSERT_EQ(named.size(), 2u);
  EXPECT_EQ(named[0].state, &view.snapshot.domains[0]);
  EXPECT_EQ(named[0].info.label, "4");
  EXPECT_EQ(named[1].info.label, "7");
}

TEST(DomainNames, UnknownDomainsAreNamedByTheirId) {
  View view = view_of({{3, ""}});
  view.snapshot.domains.emplace_back().id = 9;  // no info at all
  const auto named = named_domains(view);
  EXPECT_EQ(named[0].info.label, "iovad-3");
  EXPECT_EQ(named[1].info.label, "iovad-9");
  EXPECT_EQ(named[1].info.id, 9u);
}

TEST(DomainNames, LabelsAreUnique) {
  const View view = view_of({{1, "4"}, {2, "4"}, {3, "4-2"}});
  const auto named = named_domains(view);
  EXPECT_EQ(named[0].info.label, "4");
  EXPECT_EQ(named[1].info.label, "4-2");
  EXPECT_EQ(named[2].info.label, "4-2-3");
}

}  // namespace
}  // namespace rcached
