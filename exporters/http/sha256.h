// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for digests that never leave the process.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rcached {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view data);
Digest hmac_sha256(std::string_view key, std::string_view data);

}  // namespace rcached
