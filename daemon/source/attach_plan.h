// SPDX-License-Identifier: Apache-2.0
// AttachPlan: which probe programs to load for which kernel function. Pure: decided from what BTF and
// kallsyms offer, so every kernel's plan is a table test.
//
// Per function: fentry/fexit when BTF and kallsyms both have it: BTF says what the source has, kallsyms what
// the image has, and the kernel loads a trampoline's program only for a function with both. Else
// kprobe/kretprobe on the symbol that kallsyms has, which for a refinement may be a part of the function
// (".part.0"). Else the function is left out (inlined, changed by the compiler, or too old).
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
constexpr bool is_trampoline(AttachMethod method) {
  return method == AttachMethod::fentry || method == AttachMethod::fexit;
}

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
  std::vector<std::string> absent;  // functions that cannot be traced; what they would show is unknown
};

struct AttachOffer {
  const Kallsyms& symbols;
  std::function<bool(std::string_view)> btf_has_function;
  bool force_kprobes = false;
  // Functions whose programs the kernel did not load, or not attach (fentry/fexit on arm64 6.1: -524).
  std::set<std::string, std::less<>> fentry_refused = {};
  std::set<std::string, std::less<>> kprobe_refused = {};
};

// Errors: attach, naming the function without which there is nothing to show.
Expected<AttachPlan> make_attach_plan(const KernelLayout& layout, const AttachOffer& offer);

}  // namespace rcached
