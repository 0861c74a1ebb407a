// SPDX-License-Identifier: Apache-2.0
// Sources of the reserved ranges of group 4: reserved_regions in sysfs, /proc/iomem, resources of PCI devices.
#include "daemon/host/reserved_regions.h"

#include "tests/fuzz/support/file_tree.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::FileTree tree(fuzz::text_of(data, size));
  const ReservedRegionPaths paths{tree.root() / "groups", tree.root() / "pci"};
  const HostBridgeWindows windows = read_host_bridge_windows(tree.root() / "iomem");
  for (const bool bars_only : {false, true}) {
    const ReservedRegions regions = read_reserved_regions(4, bars_only, windows, paths);
    for (std::size_t i = 0; i < regions.ranges.size(); ++i) {
      check(regions.ranges[i].first <= regions.ranges[i].last, "ranges end at or after their start");
      if (i > 0)
        check(regions.ranges[i - 1].last < regions.ranges[i].first, "ranges ascend and do not overlap");
    }
  }
  return 0;
}
