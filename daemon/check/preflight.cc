// SPDX-License-Identifier: Apache-2.0
#include "daemon/check/preflight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace rcached {
namespace {

CheckItem passed(std::string name, std::string detail) {
  return {std::move(name), CheckStatus::ok, std::move(detail), {}, ErrorCode::ok};
}

CheckItem warning(std::string name, std::string detail, std::string hint = {}) {
  return {std::move(name), CheckStatus::warn, std::move(detail), std::move(hint), ErrorCode::ok};
}

CheckItem failed(std::string name, ErrorCode code, std::string detail, std::string hint) {
  return {std::move(name), CheckStatus::fail, std::move(detail), std::move(hint), code};
}

CheckItem failed(std::string name, const Error& error) {
  return failed(std::move(name), error.code, error.message, error.hint);
}

CheckItem check_config(const HostFacts& facts) {
  if (facts.config_error) return failed("config", *facts.config_error);
  return passed("config", facts.config_origin);
}

CheckItem check_tracing(const HostFacts& facts) {
  if (!facts.tracing_tried) return warning("tracing", "not tested; fix the failed checks first");
  if (!facts.tracing_error) return passed("tracing", "the kernel accepts tracing programs");
  if (facts.tracing_error->code == ErrorCode::permission && facts.lockdown == Lockdown::confidentiality) {
    return warning("tracing", "the kernel refuses tracing programs because of lockdown");
  }
  return failed("tracing", *facts.tracing_error);
}

// Without a plan it is not known whether kprobes are needed.
CheckItem check_switches(const HostFacts& facts) {
  const auto is_kprobe = [](const PlannedProgram& program) { return !is_trampoline(program.method); };
  const bool uses_kprobes =
      facts.attach && std::any_of(facts.attach->programs.begin(), facts.attach->programs.end(), is_kprobe);
  if (const auto fault = find_disabled(facts.switches, uses_kprobes))
    return failed("switches", ErrorCode::attach, fault->message, fault->hint);
  return passed("switches", "no known switch stops the probes");
}

CheckItem check_btf(const HostFacts& facts) {
  if (facts.has_btf) return passed("btf", "/sys/kernel/btf/vmlinux");
  return failed("btf", ErrorCode::no_btf,
                fmt::format("no type information for kernel {} (/sys/kernel/btf/vmlinux is missing)",
                            facts.kernel_release),
                "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y");
}

CheckItem check_layout(const HostFacts& facts) {
  if (!facts.has_btf) return warning("layout", "unknown without BTF");
  if (!facts.layout) return failed("layout", facts.layout.error());
  const KernelProfile& profile = facts.layout->profile;
  const std::string depot = profile.depot == DepotKind::bounded
                                ? fmt::format("depot of {} magazines", profile.depot_capacity)
                                : std::string("unbounded depot");
  return passed("layout", fmt::format("kernel {}: magazines of {} pfns, {}", facts.kernel_release,
                                      profile.magazine_capacity, depot));
}

CheckItem check_attach(const HostFacts& facts) {
  if (!facts.layout) return warning("attach", "not planned; the layout is unknown");
  if (!facts.attach) return failed("attach", facts.attach.error());
  std::set<std::string> trampolines, kprobes;
  for (const PlannedProgram& program : facts.attach->programs) {
    (is_trampoline(program.method) ? trampolines : kprobes).insert(program.function);
  }
  std::string detail =
      fmt::format("{} kernel functions by fentry/fexit, {} by kprobe", trampolines.size(), kprobes.size());
  const auto& absent = facts.attach->absent;
  if (!absent.empty()) detail += fmt::format("; cannot be traced: {}", fmt::join(absent, ", "));
  return passed("attach", detail);
}

CheckItem check_port(const HostFacts& facts) {
  if (facts.config_error) return warning("port", "not tested; fix the configuration first");
  if (facts.port_error) return failed("port", *facts.port_error);
  if (facts.listen_absent)
    return warning("port", fmt::format("this host does not have the address of {} (yet)", facts.listen));
  return passed("port", fmt::format("{} is free", facts.listen));
}

const char* status_word(CheckStatus status) {
  switch (status) {
    case CheckStatus::ok:
      return "ok";
    case CheckStatus::warn:
      return "warn";
    case CheckStatus::fail:
      break;
  }
  return "FAIL";
}

std::size_t count_failures(const std::vector<CheckItem>& items) {
  return static_cast<std::size_t>(std::count_if(
      items.begin(), items.end(), [](const CheckItem& item) { return item.status == CheckStatus::fail; }));
}

std::string verdict_line(const std::vector<CheckItem>& items) {
  const std::size_t failures = count_failures(items);
  if (failures == 0) return "rcached can run here";
  return fmt::format("rcached cannot run here: {} {} (exit code {})", failures,
                     failures == 1 ? "problem" : "problems", static_cast<int>(verdict(items)));
}

}  // namespace

CheckItem check_lockdown(Lockdown lockdown) {
  switch (lockdown) {
    case Lockdown::unknown:
      return passed("lockdown", "not in force (no /sys/kernel/security/lockdown)");
    case Lockdown::none:
      return passed("lockdown", "none");
    case Lockdown::integrity:
      return passed("lockdown", "integrity: reading kernel memory is still permitted");
    case Lockdown::confidentiality:
      break;
  }
  return failed("lockdown", ErrorCode::lockdown,
                "confidentiality: BPF may not read kernel memory (/sys/kernel/security/lockdown)",
                "boot with lockdown=integrity or without lockdown");
}

CheckItem check_permission(const Privileges& privileges) {
  const std::string who = privileges.euid == 0 ? "root" : fmt::format("uid {}", privileges.euid);
  if (privileges.suffice()) {
    return passed(
        "permission",
        fmt::format("{} with {}", who, privileges.cap_sys_admin ? "CAP_SYS_ADMIN" : "CAP_BPF, CAP_PERFMON"));
  }
  std::vector<std::string_view> lacking;
  if (!privileges.cap_bpf) lacking.emplace_back("CAP_BPF");
  if (!privileges.cap_perfmon) lacking.emplace_back("CAP_PERFMON");
  return failed(
      "permission", ErrorCode::permission, fmt::format("{} lacks {}", who, fmt::join(lacking, " and ")),
      "run as root or through rcached.service, which grants them; --source synthetic needs neither");
}

CheckItem check_iommu(const std::vector<IommuGroup>& groups) {
  std::size_t translating = 0, lazy = 0;
  std::set<std::string> types;
  for (const IommuGroup& group : groups) {
    types.insert(group.type);
    translating += group.translates_dma() ? 1 : 0;
    lazy += group.type == "DMA-FQ" ? 1 : 0;
  }
  if (translating > 0) {
    return passed("iommu", fmt::format("{} of {} groups translate DMA, {} of them lazily (DMA-FQ)",
                                       translating, groups.size(), lazy));
  }
  if (groups.empty()) {
    return failed(
        "iommu", ErrorCode::no_iommu, fmt::format("no IOMMU group exists ({} is empty)", kIommuGroupsPath),
        "enable the IOMMU in the firmware and boot with intel_iommu=on (Intel), or use --source synthetic");
  }
  return failed("iommu", ErrorCode::no_iommu,
                fmt::format("none of {} IOMMU groups translates DMA (type {} in {})", groups.size(),
                            fmt::join(types, ", "), kIommuGroupsPath),
                "boot with iommu.passthrough=0 and without iommu=pt, or use --source synthetic");
}

std::vector<CheckItem> evaluate(const HostFacts& facts) {
  std::vector<CheckItem> items;
  items.push_back(check_config(facts));
  items.push_back(check_permission(facts.privileges));
  items.push_back(check_tracing(facts));
  items.push_back(check_switches(facts));
  items.push_back(check_btf(facts));
  items.push_back(check_lockdown(facts.lockdown));
  items.push_back(check_layout(facts));
  items.push_back(check_iommu(facts.groups));
  items.push_back(check_attach(facts));
  items.push_back(check_port(facts));
  if (facts.source == SourceKind::synthetic) {
    for (CheckItem& item : items) {
      if (item.status != CheckStatus::fail || item.name == "config" || item.name == "port") continue;
      item = warning(item.name, item.detail + " (not needed by source synthetic)");
    }
  }
  return items;
}

ErrorCode verdict(const std::vector<CheckItem>& items) {
  for (const CheckItem& item : items) {
    if (item.status == CheckStatus::fail) return item.code;
  }
  return ErrorCode::ok;
}

std::string format_report(const std::vector<CheckItem>& items) {
  std::string out;
  for (const CheckItem& item : items) {
    out += fmt::format("{:<4} {}: {}\n", status_word(item.status), item.name, item.detail);
    if (!item.hint.empty()) out += fmt::format("     hint: {}\n", item.hint);
  }
  return out + verdict_line(items) + "\n";
}

std::string format_report_json(const std::vector<CheckItem>& items) {
  auto list = nlohmann::ordered_json::array();
  for (const CheckItem& item : items) {
    nlohmann::ordered_json entry{
        {"name", item.name},
        {"status", item.status == CheckStatus::fail ? "fail" : status_word(item.status)},
        {"detail", item.detail}};
    if (!item.hint.empty()) entry["hint"] = item.hint;
    if (item.code != ErrorCode::ok) entry["exit_code"] = static_cast<int>(item.code);
    list.push_back(std::move(entry));
  }
  const nlohmann::ordered_json report{{"ok", count_failures(items) == 0},
                                      {"exit_code", static_cast<int>(verdict(items))},
                                      {"checks", std::move(list)}};
  // `replace`: device and file names may not be valid UTF-8.
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace rcached
