// SPDX-License-Identifier: Apache-2.0
#include "daemon/source/call_table.h"

#include <bpf/bpf.h>

#include <cstring>
#include <vector>

namespace rcached {

std::size_t remove_old_calls(int calls_fd, std::uint64_t begun_before_ns) {
  bpf_map_info info{};
  __u32 info_size = sizeof(info);
  if (bpf_obj_get_info_by_fd(calls_fd, &info, &info_size) != 0) return 0;
  std::vector<char> call(info.value_size);
  const auto is_old = [&](std::uint64_t key) {
    std::uint64_t start_ns = 0;  // the first member of struct call
    if (bpf_map_lookup_elem(calls_fd, &key, call.data()) != 0) return false;
    std::memcpy(&start_ns, call.data(), sizeof(start_ns));
    return start_ns < begun_before_ns;
  };
  std::vector<std::uint64_t> old;
  std::uint64_t key = 0, next = 0;
  // A key that is removed meanwhile restarts the walk, so it may visit more entries than there are.
  for (__u32 i = 0; i < 2 * info.max_entries; ++i) {
    if (bpf_map_get_next_key(calls_fd, i == 0 ? nullptr : &key, &next) != 0) break;
    key = next;
    if (is_old(key)) old.push_back(key);
  }
  std::size_t removed = 0;
  // Its place may have been taken by a new call.
  for (const std::uint64_t old_key : old)
    if (is_old(old_key) && bpf_map_delete_elem(calls_fd, &old_key) == 0) ++removed;
  return removed;
}

}  // namespace rcached
