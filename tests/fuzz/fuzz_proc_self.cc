// SPDX-License-Identifier: Apache-2.0
// /proc/self: statistics and privileges of the process; the lockdown file.
#include "base/process_figures.h"
#include "daemon/check/host_facts.h"
#include "tests/fuzz/support/file_tree.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  (void)parse_privileges(text, 1000);
  (void)parse_lockdown(text);
  const fuzz::FileTree tree(text);
  (void)read_process_figures(tree.root());
  return 0;
}
