// SPDX-License-Identifier: Apache-2.0
// The kernel's BTF. The seeds were written with libbpf, with the layouts of three generations. (This also
// finds crashes in libbpf's parser.)
#include "daemon/host/kernel_layout.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <bit>
#include <memory>

#include "base/error.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const auto silent = libbpf_set_print(nullptr);
  const std::unique_ptr<::btf, decltype(&btf__free)> btf(btf__new(data, static_cast<std::uint32_t>(size)),
                                                         &btf__free);
  if (btf == nullptr) return 0;
  const auto layout = read_kernel_layout(btf.get());
  if (!layout) {
    check(layout.error().code == ErrorCode::unknown_layout, "the error code of an unknown kernel",
          layout.error().message);
    check(!layout.error().message.empty() && !layout.error().hint.empty(),
          "the error has a message and a hint");
    return 0;
  }
  check(layout->profile.magazine_capacity > 0, "magazines have a capacity");
  check(std::has_single_bit(layout->profile.magazine_bytes), "slab sizes are powers of two");
  return 0;
}
