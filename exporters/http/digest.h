// SPDX-License-Identifier: Apache-2.0
// Keyed digests of what was right once, which must not be kept itself. They never leave the process.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rcached {

using Digest = std::array<std::uint8_t, 32>;

Digest hmac_sha256(std::string_view key, std::string_view data);

}  // namespace rcached
