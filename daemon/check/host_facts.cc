// SPDX-License-Identifier: Apache-2.0
#include "daemon/check/host_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <fstream>

#include "daemon/host/kallsyms.h"
#include "daemon/host/kernel_types.h"
#include "daemon/host/tracing_permission.h"
#include "exporters/http/listen_address.h"

namespace rcached {
namespace {

// Numbers of linux/capability.h; the header of an older C library may lack the newest two.
constexpr unsigned kCapSysAdmin = 21, kCapPerfmon = 38, kCapBpf = 39;

std::string read_text(const char* path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text, '\0');  // the whole file; no exception when the read fails
  return text;
}

std::string kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "unknown";
}

Expected<AttachPlan> plan_attach(const KernelTypes& types, const KernelLayout& layout,
                                 const Privileges& privileges, bool force_kprobes) {
  RCACHED_TRY(const auto symbols, Kallsyms::load());
  // If other capabilities are missing, they are reported first.
  if (privileges.suffice() && symbols.addresses_hidden()) {
    return fail(ErrorCode::permission, "the kernel hides its symbol addresses (/proc/kallsyms shows zeros)",
                "run as root or with CAP_SYSLOG, and set kernel.kptr_restrict to 0 or 1");
  }
  const auto btf_has_function = [&](std::string_view name) { return types.function(name).has_value(); };
  return make_attach_plan(layout, {symbols, btf_has_function, force_kprobes, {}});
}

}  // namespace

Privileges parse_privileges(std::string_view status, unsigned euid) {
  constexpr std::string_view kField = "CapEff:\t";
  std::uint64_t effective = 0;
  if (const auto at = status.find(kField); at != std::string_view::npos) {
    const char* begin = status.data() + at + kField.size();
    std::from_chars(begin, status.data() + status.size(), effective, 16);
  }
  const auto has = [effective](unsigned capability) { return (effective >> capability & 1) != 0; };
  return {euid, has(kCapBpf), has(kCapPerfmon), has(kCapSysAdmin)};
}

Privileges read_privileges() { return parse_privileges(read_text("/proc/self/status"), geteuid()); }

Lockdown parse_lockdown(std::string_view text) {
  if (text.find("[confidentiality]") != std::string_view::npos) return Lockdown::confidentiality;
  if (text.find("[integrity]") != std::string_view::npos) return Lockdown::integrity;
  if (text.find("[none]") != std::string_view::npos) return Lockdown::none;
  return Lockdown::unknown;
}

Lockdown read_lockdown() { return parse_lockdown(read_text("/sys/kernel/security/lockdown")); }

Expected<bool> check_listen(const std::string& address) {
  RCACHED_TRY(const auto parsed, ListenAddress::parse(address));
  RCACHED_CHECK(parsed.probe());
  return parsed.present();
}

HostFacts gather_host_facts(const ConfigFacts& config) {
  HostFacts facts;
  facts.config_origin = config.origin;
  if (config.config) {
    facts.source = config.config->source;
    facts.listen = config.config->http.listen;
    const auto present = check_listen(facts.listen);
    if (!present) facts.port_error = present.error();
    facts.listen_absent = present && !*present;
  } else {
    facts.config_error = config.config.error();
  }
  facts.privileges = read_privileges();
  facts.kernel_release = kernel_release();
  facts.lockdown = read_lockdown();
  facts.switches = read_tracing_switches();
  facts.groups = read_iommu_groups();
  const bool force_kprobes = config.config && config.config->kernel.probes == ProbeMethod::kprobe;
  const auto types = KernelTypes::load();
  facts.has_btf = types.has_value();
  if (!types) return facts;
  facts.layout = types->layout();
  if (facts.layout) facts.attach = plan_attach(*types, *facts.layout, facts.privileges, force_kprobes);
  if (facts.privileges.suffice()) {
    facts.tracing_tried = true;
    if (auto allowed = probe_tracing_permission(*types); !allowed) facts.tracing_error = allowed.error();
  }
  return facts;
}

}  // namespace rcached
