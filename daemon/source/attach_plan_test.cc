// SPDX-License-Identifier: Apache-2.0
// The plans for supported kernels, and for kernels that hide symbols or types.
#include "daemon/source/attach_plan.h"

#include <gtest/gtest.h>

#include <set>

namespace rcached {
namespace {

struct Kernel {
  std::set<std::string, std::less<>> btf;
  std::string kallsyms;
  KernelLayout layout;
};

const std::vector<std::string> kCommon = {
    "alloc_iova_fast", "free_iova_fast",   "alloc_iova",      "free_iova",        "free_cpu_cached_iovas",
    "reserve_iova",    "init_iova_domain", "put_iova_domain", "fq_flush_timeout", "__free_iova"};

Kernel kernel(const std::vector<std::string>& more_btf, const std::vector<std::string>& more_symbols,
              bool unbounded, bool fq_in_iova) {
  Kernel result;
  result.layout.profile = unbounded ? kProfile612 : kProfile61;
  result.layout.flush_queue_in_iova = fq_in_iova;
  result.layout.skips_nested_programs = !fq_in_iova;
  std::vector<std::string> symbols = kCommon;
  result.btf.insert(kCommon.begin(), kCommon.end());
  result.btf.insert(more_btf.begin(), more_btf.end());
  symbols.insert(symbols.end(), more_symbols.begin(), more_symbols.end());
  for (const auto& symbol : symbols) result.kallsyms += "ffffffff81000000 t " + symbol + "\n";
  return result;
}

Kernel kernel_510() {
  return kernel({"iova_rcache_insert"}, {"iova_rcache_insert", "iova_magazine_free_pfns.part.0"}, false,
                true);
}
Kernel kernel_61() { return kernel({"iova_magazine_free_pfns"}, {"iova_magazine_free_pfns"}, false, false); }
Kernel kernel_612() {
  return kernel({"iova_magazine_free_pfns", "iova_depot_work_func"},
                {"iova_magazine_free_pfns", "iova_depot_work_func"}, true, false);
}

// Debian's 7.3: the check for a missing magazine is inlined, the rest of the function has a suffix.
Kernel kernel_73() {
  return kernel({"iova_magazine_free_pfns", "iova_depot_work_func"},
                {"iova_magazine_free_pfns.part.0", "iova_depot_work_func"}, true, false);
}

Expected<AttachPlan> plan_of(const Kernel& kernel, bool force_kprobes = false,
                             std::set<std::string, std::less<>> refused = {},
                             std::set<std::string, std::less<>> kprobe_refused = {}) {
  const Kallsyms symbols = Kallsyms::parse(kernel.kallsyms);
  return make_attach_plan(kernel.layout,
                          {symbols, [&](std::string_view name) { return kernel.btf.contains(name); },
                           force_kprobes, refused, kprobe_refused});
}

std::vector<std::string> programs_of(const AttachPlan& plan, const std::string& function) {
  std::vector<std::string> programs;
  for (const auto& planned : plan.programs)
    if (planned.function == function) programs.push_back(planned.program + " at " + planned.symbol);
  return programs;
}

std::string symbol_of(const AttachPlan& plan, const std::string& program) {
  for (const auto& planned : plan.programs)
    if (planned.program == program) return planned.symbol;
  return "";
}

TEST(AttachPlan, Kernel510TracesFreesAtRcacheInsertAndMagazinesBySuffixedKprobe) {
  const auto plan = plan_of(kernel_510());
  ASSERT_TRUE(plan);
  EXPECT_EQ(symbol_of(*plan, "iova_rcache_insert_fexit"), "iova_rcache_insert");
  EXPECT_EQ(symbol_of(*plan, "free_iova_fast_fexit"), "");
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_nested"),
            "");  // nothing is skipped there: a twin would count twice
  EXPECT_EQ(symbol_of(*plan, "iova_magazine_free_pfns_kprobe"), "iova_magazine_free_pfns.part.0");
  EXPECT_EQ(symbol_of(*plan, "iova_magazine_free_pfns_kretprobe"), "iova_magazine_free_pfns.part.0");
  EXPECT_EQ(symbol_of(*plan, "iova_depot_work_func_fentry"), "");
  EXPECT_TRUE(plan->absent.empty());
}

TEST(AttachPlan, Kernel61UsesTrampolinesOnly) {
  const auto plan = plan_of(kernel_61());
  ASSERT_TRUE(plan);
  for (const auto& planned : plan->programs)
    EXPECT_TRUE(planned.method == AttachMethod::fentry || planned.method == AttachMethod::fexit)
        << planned.program;
  EXPECT_EQ(symbol_of(*plan, "free_iova_fast_fexit"), "free_iova_fast");
  EXPECT_EQ(symbol_of(*plan, "iova_rcache_insert_fexit"), "");
  EXPECT_EQ(plan->programs.size(), 17u);
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_nested"), "alloc_iova_fast");
  EXPECT_EQ(symbol_of(*plan, "free_iova_fast_nested"), "free_iova_fast");
}

TEST(AttachPlan, Kernel612AddsTheDepotWorker) {
  const auto plan = plan_of(kernel_612());
  ASSERT_TRUE(plan);
  EXPECT_EQ(symbol_of(*plan, "iova_depot_work_func_fentry"), "iova_depot_work_func");
  EXPECT_EQ(symbol_of(*plan, "iova_depot_work_func_fexit"), "iova_depot_work_func");
}

TEST(AttachPlan, Kernel73TracesThePartInTheImage) {
  const auto plan = plan_of(kernel_73());
  ASSERT_TRUE(plan);
  EXPECT_EQ(
      programs_of(*plan, "iova_magazine_free_pfns"),
      (std::vector<std::string>{"iova_magazine_free_pfns_kprobe at iova_magazine_free_pfns.part.0",
                                "iova_magazine_free_pfns_kretprobe at iova_magazine_free_pfns.part.0"}));
  for (const auto& planned : plan->programs)
    EXPECT_TRUE(is_trampoline(planned.method) || planned.function == "iova_magazine_free_pfns")
        << planned.program;
  EXPECT_TRUE(plan->absent.empty());
}

struct ImageCase {
  const char* name;
  bool in_btf;
  std::vector<std::string> symbols;
  std::vector<std::string> programs;  // for free_cpu_cached_iovas; none: it is absent
  std::string_view only_as = "";
};

void PrintTo(const ImageCase& row, std::ostream* out) { *out << row.name; }

class AttachPlanImage : public testing::TestWithParam<ImageCase> {};

TEST_P(AttachPlanImage, DecidesHowAFunctionIsTraced) {
  Kernel kernel = kernel_61();
  const std::string name = "free_cpu_cached_iovas", line = "ffffffff81000000 t " + name + "\n";
  kernel.kallsyms.erase(kernel.kallsyms.find(line), line.size());
  if (!GetParam().in_btf) kernel.btf.erase(name);
  for (const auto& symbol : GetParam().symbols) kernel.kallsyms += "ffffffff81000000 t " + symbol + "\n";
  const auto plan = plan_of(kernel);
  ASSERT_TRUE(plan);
  EXPECT_EQ(programs_of(*plan, name), GetParam().programs);
  std::vector<std::string> absent;
  if (GetParam().programs.empty())
    absent.push_back(
        GetParam().only_as.empty() ? name : name + " (only as " + std::string(GetParam().only_as) + ")");
  EXPECT_EQ(plan->absent, absent);
}

const std::vector<std::string> kByTrampoline = {"free_cpu_cached_iovas_fentry at free_cpu_cached_iovas",
                                                "free_cpu_cached_iovas_fexit at free_cpu_cached_iovas"};
const std::vector<std::string> kByKprobe = {"free_cpu_cached_iovas_kprobe at free_cpu_cached_iovas",
                                            "free_cpu_cached_iovas_kretprobe at free_cpu_cached_iovas"};
const ImageCase kImageCases[] = {
    {"both", true, {"free_cpu_cached_iovas"}, kByTrampoline},
    {"both_and_a_part", true, {"free_cpu_cached_iovas.part.0", "free_cpu_cached_iovas"}, kByTrampoline},
    {"renamed_by_link_time_optimization", true, {"free_cpu_cached_iovas.llvm.12078"}, kByTrampoline},
    {"symbol_only", false, {"free_cpu_cached_iovas"}, kByKprobe},
    {"btf_only", true, {}, {}},
    {"nothing", false, {}, {}},
    {"part_in_btf", true, {"free_cpu_cached_iovas.part.0"}, {}, "free_cpu_cached_iovas.part.0"},
    {"part_not_in_btf", false, {"free_cpu_cached_iovas.part.0"}, {}, "free_cpu_cached_iovas.part.0"},
    {"arguments_may_have_moved_isra",
     true,
     {"free_cpu_cached_iovas.isra.0"},
     {},
     "free_cpu_cached_iovas.isra.0"},
    {"arguments_may_have_moved_constprop",
     true,
     {"free_cpu_cached_iovas.constprop.0"},
     {},
     "free_cpu_cached_iovas.constprop.0"},
    {"arguments_may_have_moved_not_in_btf",
     false,
     {"free_cpu_cached_iovas.isra.0"},
     {},
     "free_cpu_cached_iovas.isra.0"},
    {"arguments_may_have_moved_before_the_split",
     true,
     {"free_cpu_cached_iovas.isra.0.part.0"},
     {},
     "free_cpu_cached_iovas.isra.0.part.0"},
    {"arguments_may_have_moved_after_the_split",
     true,
     {"free_cpu_cached_iovas.part.0.isra.0"},
     {},
     "free_cpu_cached_iovas.part.0.isra.0"},
    {"error_path", true, {"free_cpu_cached_iovas.part.0.cold"}, {}},
    {"both_and_a_changed_copy",
     true,
     {"free_cpu_cached_iovas.constprop.0", "free_cpu_cached_iovas"},
     kByTrampoline},
};

INSTANTIATE_TEST_SUITE_P(Table, AttachPlanImage, testing::ValuesIn(kImageCases),
                         [](const auto& row) { return std::string(row.param.name); });

struct ChangedCase {
  const char* name;
  Kernel (*kernel)();
  std::string function;
  std::string symbol;  // its only one
};

void PrintTo(const ChangedCase& row, std::ostream* out) { *out << row.name; }

class AttachPlanChanged : public testing::TestWithParam<ChangedCase> {};

// With or without BTF, by trampoline or kprobe: no program on a function whose arguments may have moved, and no silent
// fallback to a function that misses frees.
TEST_P(AttachPlanChanged, ARequiredFunctionThatTheCompilerHasChangedIsRefused) {
  const auto& [name, make, function, symbol] = GetParam();
  Kernel kernel = make();
  const std::string whole = " " + function + "\n";
  kernel.kallsyms.replace(kernel.kallsyms.find(whole), whole.size(), " " + symbol + "\n");
  for (const bool in_btf : {true, false}) {
    if (!in_btf) kernel.btf.erase(function);
    for (const bool kprobes : {false, true}) {
      const auto plan = plan_of(kernel, kprobes);
      ASSERT_FALSE(plan);
      EXPECT_EQ(plan.error().code, ErrorCode::attach);
      EXPECT_NE(plan.error().message.find(function + " only as " + symbol), std::string::npos)
          << plan.error().message;
      EXPECT_NE(plan.error().hint.find("boot another"), std::string::npos);
    }
  }
}

const ChangedCase kChangedCases[] = {
    {"alloc_isra", kernel_61, "alloc_iova_fast", "alloc_iova_fast.isra.0"},
    {"alloc_part", kernel_73, "alloc_iova_fast", "alloc_iova_fast.part.0"},
    {"free_constprop", kernel_612, "free_iova_fast", "free_iova_fast.constprop.0"},
    {"free_part_changed", kernel_612, "free_iova_fast", "free_iova_fast.part.0.isra.0"},
    {"insert_part", kernel_510, "iova_rcache_insert", "iova_rcache_insert.part.0"},
    {"insert_isra", kernel_510, "iova_rcache_insert", "iova_rcache_insert.isra.0"},
};

INSTANTIATE_TEST_SUITE_P(Table, AttachPlanChanged, testing::ValuesIn(kChangedCases),
                         [](const auto& row) { return std::string(row.param.name); });

// Inlined into all its callers, it has no symbol at all.
TEST(AttachPlan, WithoutIovaRcacheInsertFreesAreTracedAtFreeIovaFast) {
  Kernel kernel = kernel_510();
  const std::string line = "ffffffff81000000 t iova_rcache_insert\n";
  kernel.kallsyms.erase(kernel.kallsyms.find(line), line.size());
  const auto plan = plan_of(kernel);
  ASSERT_TRUE(plan);
  EXPECT_EQ(programs_of(*plan, "iova_rcache_insert"), std::vector<std::string>{});
  EXPECT_EQ(symbol_of(*plan, "free_iova_fast_fexit"), "free_iova_fast");
}

// /proc/kallsyms may be masked; then loading the programs shows what the kernel supports.
TEST(AttachPlan, WithoutAnySymbolBtfDecides) {
  Kernel kernel = kernel_612();
  kernel.kallsyms = "";
  const auto plan = plan_of(kernel);
  ASSERT_TRUE(plan);
  EXPECT_EQ(symbol_of(*plan, "iova_magazine_free_pfns_fentry"), "iova_magazine_free_pfns");
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_fexit"), "alloc_iova_fast");
  EXPECT_TRUE(plan->absent.empty());

  kernel = kernel_510();
  kernel.kallsyms = "";
  const auto old = plan_of(kernel);
  ASSERT_TRUE(old);
  EXPECT_EQ(symbol_of(*old, "iova_rcache_insert_fexit"), "iova_rcache_insert");
}

TEST(AttachPlan, AFunctionThatTheKernelRefusesBothWaysIsLeftOut) {
  const auto plan = plan_of(kernel_61(), false, {"fq_flush_timeout"}, {"fq_flush_timeout"});
  ASSERT_TRUE(plan);
  EXPECT_EQ(programs_of(*plan, "fq_flush_timeout"), std::vector<std::string>{});
  EXPECT_EQ(plan->absent, std::vector<std::string>{"fq_flush_timeout"});
}

TEST(AttachPlan, ForcedKprobesUseNoTrampoline) {
  const auto plan = plan_of(kernel_612(), true);
  ASSERT_TRUE(plan);
  for (const auto& planned : plan->programs)
    EXPECT_TRUE(planned.method == AttachMethod::kprobe || planned.method == AttachMethod::kretprobe)
        << planned.program;
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_kretprobe"), "alloc_iova_fast");
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_nested"), "");
  EXPECT_EQ(symbol_of(*plan, "free_iova_kretprobe"), "");  // its entry is sufficient
}

TEST(AttachPlan, OneRefusedTrampolineFallsBackAlone) {
  const auto plan = plan_of(kernel_61(), false, {"alloc_iova_fast"});
  ASSERT_TRUE(plan);
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_kprobe"), "alloc_iova_fast");
  EXPECT_EQ(symbol_of(*plan, "alloc_iova_fast_fexit"), "");
  EXPECT_EQ(symbol_of(*plan, "free_iova_fast_fexit"), "free_iova_fast");
}

TEST(AttachPlan, OuterCallsAttachAfterTheCallsNestedInThem) {
  const auto plan = plan_of(kernel_61());
  ASSERT_TRUE(plan);
  const auto position = [&](std::string_view program) {
    for (std::size_t i = 0; i < plan->programs.size(); ++i)
      if (plan->programs[i].program == program) return i;
    return plan->programs.size();
  };
  EXPECT_LT(position("alloc_iova_fexit"), position("alloc_iova_fast_fexit"));
  EXPECT_LT(position("free_iova_fentry"), position("free_iova_fast_fexit"));
  EXPECT_LT(position("__free_iova_fentry"), position("free_iova_fentry"));
  EXPECT_LT(position("iova_magazine_free_pfns_fexit"), position("free_iova_fast_fexit"));
}

// The kernel runs the last attached program first.
TEST(AttachPlan, ATwinAttachesBeforeTheProgramThatItFollows) {
  const auto plan = plan_of(kernel_612());
  ASSERT_TRUE(plan);
  std::vector<std::string> programs;
  for (const auto& planned : plan->programs)
    if (planned.function == "alloc_iova_fast" || planned.function == "free_iova_fast")
      programs.push_back(planned.program);
  EXPECT_EQ(programs, (std::vector<std::string>{"alloc_iova_fast_nested", "alloc_iova_fast_fexit",
                                                "free_iova_fast_nested", "free_iova_fast_fexit"}));
}

TEST(AttachPlan, OnlyTheHotFunctionsAreRequired) {
  const auto plan = plan_of(kernel_510());
  ASSERT_TRUE(plan);
  std::set<std::string> required;
  for (const auto& planned : plan->programs)
    if (planned.required) required.insert(planned.function);
  EXPECT_EQ(required, (std::set<std::string>{"alloc_iova_fast", "iova_rcache_insert"}));
}

TEST(AttachPlan, AMissingRefinementIsReported) {
  const auto plan = plan_of(kernel({}, {}, true, false));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->absent, (std::vector<std::string>{"iova_magazine_free_pfns", "iova_depot_work_func"}));
}

TEST(AttachPlan, MissingHotFunctionsAreAnError) {
  Kernel blind = kernel_61();
  blind.btf.erase("alloc_iova_fast");
  blind.kallsyms = "ffffffff81000000 t free_iova_fast\n";
  const auto plan = plan_of(blind);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::attach);
  EXPECT_NE(plan.error().message.find("alloc_iova_fast"), std::string::npos);
}

}  // namespace
}  // namespace rcached
