// SPDX-License-Identifier: Apache-2.0
#include "daemon/host/tracing_switches.h"

#include <fstream>

namespace rcached {
namespace {

std::optional<bool> read_switch(const std::string& path) {
  std::ifstream file(path);
  int value = 0;
  if (!(file >> value)) return std::nullopt;
  return value != 0;
}

}  // namespace

TracingSwitches read_tracing_switches(const std::string& proc_sys_kernel, const std::string& debugfs) {
  return {read_switch(proc_sys_kernel + "/ftrace_enabled"), read_switch(debugfs + "/kprobes/enabled")};
}

std::optional<TracingFault> find_disabled(const TracingSwitches& switches, bool uses_kprobes) {
  if (switches.ftrace == false) {
    return TracingFault{"ftrace-disabled", "the kernel runs no probes: kernel.ftrace_enabled is 0",
                        "run `sysctl -w kernel.ftrace_enabled=1`, and look for what sets it to 0"};
  }
  if (uses_kprobes && switches.kprobes == false) {
    return TracingFault{"kprobes-disabled",
                        "the kernel runs no kprobes: /sys/kernel/debug/kprobes/enabled is 0",
                        "run `echo 1 > /sys/kernel/debug/kprobes/enabled`, and look for what sets it to 0"};
  }
  return std::nullopt;
}

TracingFault unexplained_silence() {
  return {"unknown", "the kernel does not run the probes, though they are attached",
          "see `dmesg`, kernel.ftrace_enabled, /sys/kernel/debug/kprobes/enabled and loaded live patches"};
}

}  // namespace rcached
