// SPDX-License-Identifier: Apache-2.0
// ProbeCheck: asks whether the kernel runs attached programs. It makes the kernel call a function that has a program of
// each kind in use (bpf/probe_check.bpf.c), and looks whether they have run. Nothing else in the kernel is disturbed.
//
// One thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "daemon/host/tracing_switches.h"

struct probe_check_bpf;
struct bpf_link;

namespace rcached {

class ProbeCheck {
 public:
  struct Kinds {
    bool fentry = false;  // fentry or fexit
    bool kprobe = false;  // kprobe or kretprobe
  };

  // Errors: attach (this kernel has no function for it, or refuses the programs).
  static Expected<std::unique_ptr<ProbeCheck>> attach(const Kinds& kinds);
  ~ProbeCheck();
  ProbeCheck(const ProbeCheck&) = delete;
  ProbeCheck& operator=(const ProbeCheck&) = delete;

  // Error: attach (the kernel refused the test run, so the state is not known). nullopt: the programs have run.
  // Microseconds.
  Expected<std::optional<TracingFault>> run();
  // Descriptors that keep the programs attached. Owned by this object.
  std::vector<int> links() const;

 private:
  explicit ProbeCheck(::probe_check_bpf* skeleton) : skeleton_(skeleton) {}
  int make_kernel_call() const;  // 0, or a negative errno

  ::probe_check_bpf* skeleton_;
  ::bpf_link* fentry_ = nullptr;  // null: not in use
  ::bpf_link* kprobe_ = nullptr;
};

}  // namespace rcached
