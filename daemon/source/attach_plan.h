// SPDX-License-Identifier: Apache-2.0
// AttachPlan: which probe programs to load for which kernel function. Pure: depends only on BTF and
// kallsyms, so every kernel's plan can be tested with a table.
//
// Per function: fentry/fexit if BTF (the source) and kallsyms (the image) both have it; the kernel loads
// trampoline programs only for such functions. Else kprobe/kretprobe on the symbol in kallsyms. A symbol whose arguments
// may have moved (enum SymbolBody) is never used: such a function is left out if it is optional, like one that was
// inlined or is not in this kernel version, and an error if the mirror needs it. One exception: the part of
// iova_magazine_free_pfns (".part.0" on Debian's 5.10 and 7.3) needs both arguments to do its work, so it has both.
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
  std::string function;  // its name in rcached
  std::string symbol;    // its symbol in the kernel
  AttachMethod method;
  bool required;      // the mirror needs this function; the others add detail
  bool twin = false;  // makes events only when the function's first program is skipped
};

struct AttachPlan {
  std::vector<PlannedProgram> programs;
  // Functions that cannot be traced, with the reason if it is known; their data is unavailable.
  std::vector<std::string> absent;
};

struct AttachOffer {
  const Kallsyms& symbols;
  std::function<bool(std::string_view)> btf_has_function;
  bool force_kprobes = false;
  // Functions whose programs the kernel did not load or attach (fentry/fexit on arm64 6.1: -524).
  std::set<std::string, std::less<>> fentry_refused = {};
  std::set<std::string, std::less<>> kprobe_refused = {};
};

// Errors: attach (names the required function that is missing or changed).
Expected<AttachPlan> make_attach_plan(const KernelLayout& layout, const AttachOffer& offer);

}  // namespace rcached
