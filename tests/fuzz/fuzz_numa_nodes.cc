// SPDX-License-Identifier: Apache-2.0
// /sys/devices/system/node with its CPU lists.
#include "daemon/host/cpus.h"

#include "bpf/event.h"
#include "tests/fuzz/support/file_tree.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::FileTree tree(fuzz::text_of(data, size));
  const std::vector<std::int16_t> nodes = read_numa_nodes(tree.root());
  check(nodes.size() <= RCACHED_MAX_CPUS, "at most RCACHED_MAX_CPUS CPUs");
  for (const std::int16_t node : nodes) check(node >= -1, "a node, or unknown");
  return 0;
}
