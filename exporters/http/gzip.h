// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952) in two pieces: a large beginning that is compressed once and shared, and a short end that
// differs from answer to answer. Together they are one ordinary gzip member, which every client can read;
// two members one after the other are legal too, but not all clients read beyond the first.
//
// Stateless: safe from any thread. Out of memory is std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rcached {

// By measurement (tests/bench/scrape, part gzip; docs/benchmarks.md): what levels above it save on the wire
// is little next to the time they take.
inline constexpr int kGzipLevel = 1;

// What the end must know of the beginning's text.
struct GzipSum {
  std::uint32_t crc = 0;
  std::uint64_t length = 0;
};

// Writes the beginning over `out`, whose memory is used again: the header, and `text` as deflate blocks up to
// a byte boundary.
GzipSum gzip_begin(std::string_view text, int level, std::string& out);

// What completes a beginning to the gzip of its text followed by `rest`.
std::string gzip_end(const GzipSum& beginning, std::string_view rest, int level);

}  // namespace rcached
