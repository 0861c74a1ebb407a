// SPDX-License-Identifier: Apache-2.0
// /sys/kernel/iommu_groups (support/file_tree.h describes the format).
#include "daemon/host/iommu_groups.h"

#include "tests/fuzz/support/file_tree.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::FileTree tree(fuzz::text_of(data, size));
  int last = -1;
  for (const IommuGroup& group : read_iommu_groups(tree.root())) {
    check(group.number >= last, "groups ascend");
    last = group.number;
    check(!group.type.empty(), "a type, or unknown");
    check(group.device_list().empty() == group.devices.empty(), "devices have names");
    (void)group.driver_list();
  }
  return 0;
}
