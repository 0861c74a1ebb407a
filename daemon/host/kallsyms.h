// SPDX-License-Identifier: Apache-2.0
// Kallsyms: the few kernel symbols that rcached needs, found in one pass over /proc/kallsyms (slow to read:
// the kernel formats some 200,000 lines).
//
// A compiler that changes a function adds a suffix (enum SymbolBody). ".llvm.N" only renames it. Left out is ".cold", a
// piece of a function which is jumped to.
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

enum class SymbolBody {
  whole,
  part,  // ".part.N": the rest of a function whose first check was inlined into its callers, and which calls that
         // return after the check do not reach. It has only those arguments that the rest uses
  changed,  // ".isra.N", ".constprop.N", also with ".part.N": arguments were removed or replaced, so the others may be
            // in different places
};

struct Symbol {
  std::string name;           // as in kallsyms, with its suffix
  std::uint64_t address = 0;  // 0: hidden from this process. Never leaves the process.
  SymbolBody body = SymbolBody::whole;
};

class Kallsyms {
 public:
  // Keeps only the symbols named in `wanted_kernel_symbols()`. Errors: internal (not readable).
  static Expected<Kallsyms> load(const std::string& path = "/proc/kallsyms");
  static Kallsyms parse(std::string_view text);

  // The symbol of that name; the whole function wins over a part of it, and that over a changed one.
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
