// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/kallsyms.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace rcached {
namespace {

Kallsyms parse(std::string_view text) { return Kallsyms::parse(text); }

TEST(Kallsyms, FindsAnExactName) {
  const auto symbols = parse("ffffffff81000010 T alloc_iova_fast\nffffffff81000020 t alloc_iova\n");
  ASSERT_TRUE(symbols.find("alloc_iova"));
  EXPECT_EQ(symbols.find("alloc_iova")->address, 0xffffffff81000020u);
  EXPECT_FALSE(symbols.find("free_iova"));
}

TEST(Kallsyms, FindsASuffixedFunctionWhenThereIsNoExactOne) {
  const auto symbols = parse("ffffffff81000010 t iova_magazine_free_pfns.part.0\n");
  ASSERT_TRUE(symbols.find("iova_magazine_free_pfns"));
  EXPECT_EQ(symbols.find("iova_magazine_free_pfns")->name, "iova_magazine_free_pfns.part.0");
  EXPECT_EQ(symbols.find("iova_magazine_free_pfns")->body, SymbolBody::part);
}

TEST(Kallsyms, PrefersTheExactNameOverASuffixedOne) {
  const auto symbols = parse(
      "ffffffff81000010 t iova_magazine_free_pfns.part.0\nffffffff81000090 t iova_magazine_free_pfns\n"
      "ffffffff810000a0 t iova_magazine_free_pfns.isra.0\n");
  EXPECT_EQ(symbols.find("iova_magazine_free_pfns")->address, 0xffffffff81000090u);
  EXPECT_EQ(symbols.find("iova_magazine_free_pfns")->body, SymbolBody::whole);
}

TEST(Kallsyms, AFunctionRenamedByLinkTimeOptimizationIsWhole) {
  const auto symbols = parse("ffffffff81000010 t free_iova.llvm.2174803946\n");
  ASSERT_TRUE(symbols.find("free_iova"));
  EXPECT_EQ(symbols.find("free_iova")->name, "free_iova.llvm.2174803946");
  EXPECT_EQ(symbols.find("free_iova")->body, SymbolBody::whole);
}

TEST(Kallsyms, MarksFunctionsWhoseArgumentsMayHaveMoved) {
  const auto symbols = parse(
      "ffffffff81000010 t free_iova.isra.0\nffffffff81000020 t alloc_iova.constprop.0\n"
      "ffffffff81000030 t reserve_iova.isra.0.part.0\nffffffff81000040 t "
      "fq_flush_timeout.part.12.constprop.3\n"
      "ffffffff81000050 t free_iova_fast.isra.0.llvm.77\n");
  for (const auto* name : {"free_iova", "alloc_iova", "reserve_iova", "fq_flush_timeout", "free_iova_fast"}) {
    ASSERT_TRUE(symbols.find(name)) << name;
    EXPECT_EQ(symbols.find(name)->body, SymbolBody::changed) << name;
  }
  EXPECT_EQ(symbols.find("reserve_iova")->name, "reserve_iova.isra.0.part.0");
}

TEST(Kallsyms, IgnoresSymbolsThatAreNotFunctions) {
  const auto symbols = parse(
      "ffffffff81000010 t put_iova_domain.part.\nffffffff81000020 t put_iova_domain.isra\n"
      "ffffffff81000030 t put_iova_domain.isra.0.cold\nffffffff81000040 t put_iova_domain.part.x\n"
      "ffffffff81000050 t put_iova_domain.\nffffffff81000060 t put_iova_domain..0\n"
      "ffffffff81000070 t put_iova_domain.part.0x\n");
  EXPECT_FALSE(symbols.find("put_iova_domain"));
  EXPECT_TRUE(symbols.empty());
}

TEST(Kallsyms, ColdPartsAreNotTheFunction) {
  const auto symbols =
      parse("ffffffff81000010 t alloc_iova_fast.cold\nffffffff81000010 t alloc_iova.part.0.cold\n");
  EXPECT_FALSE(symbols.find("alloc_iova_fast"));
  EXPECT_FALSE(symbols.find("alloc_iova"));
}

TEST(Kallsyms, IgnoresTheModuleColumnAndBrokenLines) {
  const auto symbols =
      parse("\nffffffff81000010\nffffffff81000010 t\nffffffffc0000010 t free_iova\t[iova]\n");
  ASSERT_TRUE(symbols.find("free_iova"));
  EXPECT_EQ(symbols.find("free_iova")->name, "free_iova");
}

TEST(Kallsyms, DetectsHiddenAddresses) {
  EXPECT_TRUE(parse("0000000000000000 T alloc_iova_fast\n0000000000000000 T free_iova\n").addresses_hidden());
  // Per-CPU symbols are at small addresses on a kernel that hides nothing.
  EXPECT_FALSE(
      parse("0000000000000000 A fixed_percpu_data\nffffffff81000010 T free_iova\n").addresses_hidden());
}

// Read in chunks that may end in the middle of a line.
TEST(Kallsyms, LoadsAFileOfAnyLength) {
  const std::string path = testing::TempDir() + "kallsyms";
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "0000000000000000 t fill_the_buffer\n";
  text += "ffffffff81000010 T alloc_iova_fast\n";
  for (int i = 0; i < 20'000; ++i) text += "ffffffff81000020 t free_other\n";
  std::ofstream(path) << text << "ffffffff81000030 t free_iova";
  const auto symbols = Kallsyms::load(path);
  ASSERT_TRUE(symbols);
  ASSERT_TRUE(symbols->find("alloc_iova_fast"));
  EXPECT_EQ(symbols->find("alloc_iova_fast")->address, 0xffffffff81000010u);
  ASSERT_TRUE(symbols->find("free_iova"));
  EXPECT_EQ(symbols->find("free_iova")->address, 0xffffffff81000030u);
  EXPECT_FALSE(symbols->addresses_hidden());
}

TEST(Kallsyms, ErrorNamesTheUnreadableFile) {
  const auto symbols = Kallsyms::load("/no/such/kallsyms");
  ASSERT_FALSE(symbols);
  EXPECT_NE(symbols.error().message.find("/no/such/kallsyms"), std::string::npos);
}

}  // namespace
}  // namespace rcached
