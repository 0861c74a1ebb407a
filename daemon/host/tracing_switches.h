// SPDX-License-Identifier: Apache-2.0
// The kernel's switches that stop attached probes without detaching them.
#pragma once

#include <optional>
#include <string>

namespace rcached {

struct TracingSwitches {
  // kernel.ftrace_enabled; fentry, fexit and (on x86 and arm64) most kprobes need it. nullopt: not readable.
  std::optional<bool> ftrace;
  // kprobes/enabled in debugfs. nullopt: not readable, as where debugfs is not mounted.
  std::optional<bool> kprobes;
};

TracingSwitches read_tracing_switches(const std::string& proc_sys_kernel = "/proc/sys/kernel",
                                      const std::string& debugfs = "/sys/kernel/debug");

// Why the kernel does not run attached programs.
struct TracingFault {
  std::string reason;  // a value of the label `reason`: ftrace-disabled, kprobes-disabled or unknown
  std::string message;
  std::string hint;

  friend bool operator==(const TracingFault&, const TracingFault&) = default;
};

// The switch that is off, if programs of these kinds need it.
std::optional<TracingFault> find_disabled(const TracingSwitches& switches, bool uses_kprobes);

// For programs that do not run although no switch is known to be off.
TracingFault unexplained_silence();

}  // namespace rcached
