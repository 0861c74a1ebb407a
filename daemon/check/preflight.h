// SPDX-License-Identifier: Apache-2.0
// Preflight: turns facts about a host into a list of passes, warnings and failures of the kernel source, with
// hints. Pure, so that every failure can be a row in a test; host_facts.h gathers the facts of the running
// machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "daemon/config/config.h"
#include "daemon/host/iommu_groups.h"
#include "daemon/host/kernel_layout.h"
#include "daemon/host/tracing_switches.h"
#include "daemon/source/attach_plan.h"

namespace rcached {

// /sys/kernel/security/lockdown; `unknown` when there is no such file.
enum class Lockdown : std::uint8_t { unknown, none, integrity, confidentiality };

struct Privileges {
  unsigned euid = 0;
  bool cap_bpf = false;
  bool cap_perfmon = false;
  bool cap_sys_admin = false;  // includes the other two

  bool suffice() const { return cap_sys_admin || (cap_bpf && cap_perfmon); }
};

struct HostFacts {
  std::string config_origin;  // the file, or why the defaults are used
  std::optional<Error> config_error;
  SourceKind source = SourceKind::kernel;
  Privileges privileges;
  std::string kernel_release;
  bool has_btf = false;
  Lockdown lockdown = Lockdown::unknown;
  Expected<KernelLayout> layout = fail(ErrorCode::unknown_layout, "not read");
  std::vector<IommuGroup> groups;
  Expected<AttachPlan> attach = fail(ErrorCode::attach, "not planned");
  bool tracing_tried = false;  // loading a tracing program was tried
  std::optional<Error> tracing_error;
  TracingSwitches switches;
  std::string listen;
  std::optional<Error> port_error;
  bool listen_absent = false;  // the host does not have that address (yet)
};

enum class CheckStatus : std::uint8_t { ok, warn, fail };

struct CheckItem {
  std::string name;
  CheckStatus status = CheckStatus::ok;
  std::string detail;
  std::string hint;                // empty: no action needed
  ErrorCode code = ErrorCode::ok;  // != ok only with CheckStatus::fail

  Error error() const { return {code, detail, hint}; }
};

// In this order: config, permission, tracing, switches, btf, lockdown, layout, iommu, attach, port. When the configured
// source is synthetic, only config and port can fail; other failures become warnings.
std::vector<CheckItem> evaluate(const HostFacts& facts);

// The items that `rcached run` checks itself.
CheckItem check_permission(const Privileges& privileges);
CheckItem check_lockdown(Lockdown lockdown);
CheckItem check_iommu(const std::vector<IommuGroup>& groups);

// The code of the first failure; ok when there is none.
ErrorCode verdict(const std::vector<CheckItem>& items);

// One line per item, the hint of each failure indented below it, and the verdict as the last line.
std::string format_report(const std::vector<CheckItem>& items);
std::string format_report_json(const std::vector<CheckItem>& items);

}  // namespace rcached
