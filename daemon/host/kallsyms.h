// SPDX-License-Identifier: Apache-2.0
// Kallsyms: the few kernel symbols that rcached needs, found in one pass over /proc/kallsyms (slow to read:
// the kernel formats some 200,000 lines).
//
// A compiler that changes a function adds a suffix. Kept are ".part.N", the rest of a function whose first
// check was inlined into its callers, with the same arguments as in the source; and ".llvm.N", which only
// renames. Left out are ".isra.N" and ".constprop.N", whose arguments may have moved, and ".cold".
//
// Immutable after load; safe to share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rcached {

struct Symbol {
  std::string name;           // as in kallsyms, with its suffix
  std::uint64_t address = 0;  // 0: hidden from this process. Never leaves the process.
  bool whole = true;          // false: a ".part.N"; calls that return after the first check do not reach it
};

class Kallsyms {
 public:
  // Keeps only the symbols named in `wanted_kernel_symbols()`. Errors: internal (not readable).
  static Expected<Kallsyms> load(const std::string& path = "/proc/kallsyms");
  static Kallsyms parse(std::string_view text);

  // The symbol of that name; the whole function wins over a part of it.
  std::optional<Symbol> find(std::string_view name) const;

  // True when none of the symbols was found: the file is masked; the symbols may exist.
  bool empty() const { return symbols_.empty(); }

  // True when the kernel shows names but not addresses (kptr_restrict, or CAP_SYSLOG missing).
  bool addresses_hidden() const { return addresses_hidden_; }

 private:
  // Adds every whole line of `text`; returns the number of bytes added.
  std::size_t add_lines(std::string_view text);
  void add(std::string_view line);

  std::vector<Symbol> symbols_;
  bool addresses_hidden_ = true;  // until an address is seen
};

// All symbols that the attach plan and the programs may need.
const std::vector<std::string_view>& wanted_kernel_symbols();

}  // namespace rcached
