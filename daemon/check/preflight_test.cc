// SPDX-License-Identifier: Apache-2.0
#include "daemon/check/preflight.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

namespace rcached {
namespace {

// A host that passes every check.
HostFacts good_host() {
  HostFacts facts;
  facts.config_origin = "/etc/rcached/rcached.yaml";
  facts.privileges = {0, true, true, true};
  facts.kernel_release = "6.1.0-30-amd64";
  facts.has_btf = true;
  facts.lockdown = Lockdown::none;
  facts.layout = KernelLayout{kProfile61, false, false, true};
  facts.groups = {{0, "identity", {}}, {1, "DMA-FQ", {{"0000:00:03.0", "nvme"}}}, {2, "DMA", {}}};
  facts.attach =
      AttachPlan{{{"alloc_iova_fast_fexit", "alloc_iova_fast", "alloc_iova_fast", AttachMethod::fexit, true},
                  {"alloc_iova_fentry", "alloc_iova", "alloc_iova", AttachMethod::fentry, true},
                  {"alloc_iova_fexit", "alloc_iova", "alloc_iova", AttachMethod::fexit, true},
                  {"reserve_iova_kprobe", "reserve_iova", "reserve_iova", AttachMethod::kprobe, true}},
                 {"fq_flush_timeout"}};
  facts.tracing_tried = true;
  facts.listen = "127.0.0.1:9731";
  return facts;
}

const char* const kGoodReport =
    "ok   config: /etc/rcached/rcached.yaml\n"
    "ok   permission: root with CAP_SYS_ADMIN\n"
    "ok   tracing: the kernel accepts tracing programs\n"
    "ok   switches: no known switch stops the probes\n"
    "ok   btf: /sys/kernel/btf/vmlinux\n"
    "ok   lockdown: none\n"
    "ok   layout: kernel 6.1.0-30-amd64: magazines of 127 pfns, depot of 32 magazines\n"
    "ok   iommu: 2 of 3 groups translate DMA, 1 of them lazily (DMA-FQ)\n"
    "ok   attach: 2 kernel functions by fentry/fexit, 1 by kprobe; cannot be traced: fq_flush_timeout\n"
    "ok   port: 127.0.0.1:9731 is free\n"
    "rcached can run here\n";

TEST(Preflight, AGoodHost) {
  const auto items = evaluate(good_host());
  EXPECT_EQ(format_report(items), kGoodReport);
  EXPECT_EQ(verdict(items), ErrorCode::ok);
}

struct Case {
  const char* name;
  std::function<void(HostFacts&)> change;
  // lines that differ from the good host's report, with status and hint
  std::vector<std::string> lines;
  ErrorCode code;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class PreflightCase : public testing::TestWithParam<Case> {};

TEST_P(PreflightCase, IsReported) {
  HostFacts facts = good_host();
  GetParam().change(facts);
  const auto items = evaluate(facts);
  const std::string report = format_report(items);
  std::string differing;
  for (std::size_t at = 0; at < report.size();) {
    const std::size_t end = report.find('\n', at) + 1;
    const std::string line = report.substr(at, end - at);
    if (std::string(kGoodReport).find(line) == std::string::npos) differing += line;
    at = end;
  }
  std::string expected;
  for (const std::string& line : GetParam().lines) expected += line + "\n";
  EXPECT_EQ(differing, expected);
  EXPECT_EQ(verdict(items), GetParam().code);
}

const std::vector<Case> kCases = {
    {"config",
     [](HostFacts& f) {
       f.config_error = Error{ErrorCode::config, "unknown key 'x' (f.yaml:1:1)", "did you mean 'y'?"};
     },
     {"FAIL config: unknown key 'x' (f.yaml:1:1)", "     hint: did you mean 'y'?",
      "warn port: not tested; fix the configuration first",
      "rcached cannot run here: 1 problem (exit code 3)"},
     ErrorCode::config},
    {"no_capability",
     [](HostFacts& f) {
       f.privileges = {1000, false, false, false};
       f.tracing_tried = false;
     },
     {"FAIL permission: uid 1000 lacks CAP_BPF and CAP_PERFMON",
      "     hint: run as root or through rcached.service, which grants them; --source synthetic needs "
      "neither",
      "warn tracing: not tested; fix the failed checks first",
      "rcached cannot run here: 1 problem (exit code 4)"},
     ErrorCode::permission},
    {"one_capability_missing",
     [](HostFacts& f) {
       f.privileges = {0, true, false, false};
       f.tracing_tried = false;
     },
     {"FAIL permission: root lacks CAP_PERFMON",
      "     hint: run as root or through rcached.service, which grants them; --source synthetic needs "
      "neither",
      "warn tracing: not tested; fix the failed checks first",
      "rcached cannot run here: 1 problem (exit code 4)"},
     ErrorCode::permission},
    {"capabilities_without_root",
     [](HostFacts& f) {
       f.privileges = {61999, true, true, false};
     },
     {"ok   permission: uid 61999 with CAP_BPF, CAP_PERFMON"},
     ErrorCode::ok},
    {"tracing_refused",
     [](HostFacts& f) {
       f.tracing_error = Error{ErrorCode::permission, "refused", "permit it"};
     },
     {"FAIL tracing: refused", "     hint: permit it", "rcached cannot run here: 1 problem (exit code 4)"},
     ErrorCode::permission},
    {"tracing_fails_otherwise",
     [](HostFacts& f) {
       f.tracing_error = Error{ErrorCode::attach, "rejected", "see dmesg"};
     },
     {"FAIL tracing: rejected", "     hint: see dmesg", "rcached cannot run here: 1 problem (exit code 9)"},
     ErrorCode::attach},
    {"ftrace_switched_off",
     [](HostFacts& f) {
       f.switches = {false, true};
     },
     {"FAIL switches: the kernel runs no probes: kernel.ftrace_enabled is 0",
      "     hint: run `sysctl -w kernel.ftrace_enabled=1`, and look for what sets it to 0",
      "rcached cannot run here: 1 problem (exit code 9)"},
     ErrorCode::attach},
    {"kprobes_switched_off_and_not_needed",
     [](HostFacts& f) {
       f.switches = {true, false};
       f.attach->programs.pop_back();
     },
     {"ok   attach: 2 kernel functions by fentry/fexit, 0 by kprobe; cannot be traced: fq_flush_timeout"},
     ErrorCode::ok},
    {"kprobes_switched_off",
     [](HostFacts& f) {
       f.switches = {true, false};
     },
     {"FAIL switches: the kernel runs no kprobes: /sys/kernel/debug/kprobes/enabled is 0",
      "     hint: run `echo 1 > /sys/kernel/debug/kprobes/enabled`, and look for what sets it to 0",
      "rcached cannot run here: 1 problem (exit code 9)"},
     ErrorCode::attach},
    {"no_btf",
     [](HostFacts& f) {
       f.has_btf = false;
       f.tracing_tried = false;
       f.layout = fail(ErrorCode::no_btf, "no BTF");
     },
     {"warn tracing: not tested; fix the failed checks first",
      "FAIL btf: no type information for kernel 6.1.0-30-amd64 (/sys/kernel/btf/vmlinux is missing)",
      "     hint: boot a kernel built with CONFIG_DEBUG_INFO_BTF=y", "warn layout: unknown without BTF",
      "warn attach: not planned; the layout is unknown", "rcached cannot run here: 1 problem (exit code 5)"},
     ErrorCode::no_btf},
    {"lockdown",
     [](HostFacts& f) {
       f.lockdown = Lockdown::confidentiality;
       f.tracing_error = Error{ErrorCode::permission, "refused", "permit it"};
     },
     {"warn tracing: the kernel refuses tracing programs because of lockdown",
      "FAIL lockdown: confidentiality: BPF may not read kernel memory (/sys/kernel/security/lockdown)",
      "     hint: boot with lockdown=integrity or without lockdown",
      "rcached cannot run here: 1 problem (exit code 6)"},
     ErrorCode::lockdown},
    {"lockdown_integrity",
     [](HostFacts& f) { f.lockdown = Lockdown::integrity; },
     {"ok   lockdown: integrity: reading kernel memory is still permitted"},
     ErrorCode::ok},
    {"lockdown_unknown",
     [](HostFacts& f) { f.lockdown = Lockdown::unknown; },
     {"ok   lockdown: not in force (no /sys/kernel/security/lockdown)"},
     ErrorCode::ok},
    {"layout",
     [](HostFacts& f) {
       f.layout = fail(ErrorCode::unknown_layout, "iova_rcache has no member 'depot' (BTF)", "report it");
     },
     {"FAIL layout: iova_rcache has no member 'depot' (BTF)", "     hint: report it",
      "warn attach: not planned; the layout is unknown", "rcached cannot run here: 1 problem (exit code 8)"},
     ErrorCode::unknown_layout},
    {"unbounded_depot",
     [](HostFacts& f) {
       f.layout = KernelLayout{kProfile612, false, false, true};
     },
     {"ok   layout: kernel 6.1.0-30-amd64: magazines of 127 pfns, unbounded depot"},
     ErrorCode::ok},
    {"no_group",
     [](HostFacts& f) { f.groups.clear(); },
     {"FAIL iommu: no IOMMU group exists (/sys/kernel/iommu_groups is empty)",
      "     hint: enable the IOMMU in the firmware and boot with intel_iommu=on (Intel), or use --source "
      "synthetic",
      "rcached cannot run here: 1 problem (exit code 7)"},
     ErrorCode::no_iommu},
    {"no_group_translates",
     [](HostFacts& f) {
       f.groups = {{0, "identity", {}}, {1, "identity", {}}};
     },
     {"FAIL iommu: none of 2 IOMMU groups translates DMA (type identity in /sys/kernel/iommu_groups)",
      "     hint: boot with iommu.passthrough=0 and without iommu=pt, or use --source synthetic",
      "rcached cannot run here: 1 problem (exit code 7)"},
     ErrorCode::no_iommu},
    {"attach",
     [](HostFacts& f) {
       f.attach = fail(ErrorCode::attach, "no function alloc_iova_fast (BTF)", "take another kernel");
     },
     {"FAIL attach: no function alloc_iova_fast (BTF)", "     hint: take another kernel",
      "rcached cannot run here: 1 problem (exit code 9)"},
     ErrorCode::attach},
    {"port",
     [](HostFacts& f) {
       f.port_error = Error{ErrorCode::port_taken, "127.0.0.1:9731 is in use", "stop it"};
     },
     {"FAIL port: 127.0.0.1:9731 is in use", "     hint: stop it",
      "rcached cannot run here: 1 problem (exit code 10)"},
     ErrorCode::port_taken},
    {"an_address_may_be_assigned_later",
     [](HostFacts& f) {
       f.listen = "192.0.2.1:9731";
       f.listen_absent = true;
     },
     {"warn port: this host does not have the address of 192.0.2.1:9731 (yet)"},
     ErrorCode::ok},
    {"the_first_failure_gives_the_code",
     [](HostFacts& f) {
       f.groups.clear();
       f.port_error = Error{ErrorCode::port_taken, "127.0.0.1:9731 is in use", "stop it"};
     },
     {"FAIL iommu: no IOMMU group exists (/sys/kernel/iommu_groups is empty)",
      "     hint: enable the IOMMU in the firmware and boot with intel_iommu=on (Intel), or use --source "
      "synthetic",
      "FAIL port: 127.0.0.1:9731 is in use", "     hint: stop it",
      "rcached cannot run here: 2 problems (exit code 7)"},
     ErrorCode::no_iommu},
    {"synthetic_needs_no_iommu",
     [](HostFacts& f) {
       f.source = SourceKind::synthetic;
       f.groups.clear();
     },
     {"warn iommu: no IOMMU group exists (/sys/kernel/iommu_groups is empty) (not needed by source "
      "synthetic)"},
     ErrorCode::ok},
    {"synthetic_needs_its_port",
     [](HostFacts& f) {
       f.source = SourceKind::synthetic;
       f.port_error = Error{ErrorCode::port_taken, "127.0.0.1:9731 is in use", "stop it"};
     },
     {"FAIL port: 127.0.0.1:9731 is in use", "     hint: stop it",
      "rcached cannot run here: 1 problem (exit code 10)"},
     ErrorCode::port_taken},
};

INSTANTIATE_TEST_SUITE_P(Table, PreflightCase, testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Preflight, JsonSaysTheSame) {
  HostFacts facts = good_host();
  facts.groups = {{0, "identi\xfft", {}}};
  const auto report = nlohmann::json::parse(format_report_json(evaluate(facts)));
  EXPECT_EQ(report["ok"], false);
  EXPECT_EQ(report["exit_code"], 7);
  ASSERT_EQ(report["checks"].size(), 10u);
  EXPECT_EQ(report["checks"][0],
            (nlohmann::json{{"name", "config"}, {"status", "ok"}, {"detail", "/etc/rcached/rcached.yaml"}}));
  EXPECT_EQ(report["checks"][7]["status"], "fail");
  EXPECT_EQ(report["checks"][7]["exit_code"], 7);
  EXPECT_TRUE(report["checks"][7].contains("hint"));
}

}  // namespace
}  // namespace rcached
