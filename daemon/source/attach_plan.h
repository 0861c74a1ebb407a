// SPDX-License-Identifier: Apache-2.0
// AttachPlan: which probe programs to load for which kernel function. Pure: decided from what BTF and
// kallsyms offer, so every kernel's plan is a table test.
//
// Per function: fentry/fexit when BTF has the function under its exact name; else kprobe/kretprobe on the
// symbol as kallsyms spells it (".part.0" and the like); else the function is not there (inlined or too old).
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "daemon/host/kallsyms.h"
#include "daemon/host/kernel_layout.h"

namespace rcached {

enum class AttachMethod { fentry, fexit, kprobe, kretprobe };

std::string_view to_string(AttachMethod method);

struct PlannedProgram {
  std::string program;   // name in the BPF object: <function>_<method>, or <function>_nested
  std::string function;  // as the rest of rcached names it
  std::string symbol;    // as the kernel spells it
  AttachMethod method;
  bool required;      // without this function the mirror is blind; the others refine the picture
  bool twin = false;  // makes events only in place of the function's first program, where that one is skipped
};

struct AttachPlan {
  std::vector<PlannedProgram> programs;
  std::vector<std::string> absent;  // functions this kernel does not have; what they would show is unknown
};

struct AttachOffer {
  const Kallsyms& symbols;
  std::function<bool(std::string_view)> btf_has_function;
  bool force_kprobes = false;
  std::set<std::string, std::less<>>
      fentry_refused;  // functions whose fentry/fexit attach failed (arm64 6.1: -524)
};

// Errors: attach, naming the function without which there is nothing to show.
Expected<AttachPlan> make_attach_plan(const KernelLayout& layout, const AttachOffer& offer);

}  // namespace rcached
