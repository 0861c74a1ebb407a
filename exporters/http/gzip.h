// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952) in two pieces: a large beginning that is compressed once and shared, and a short end that
// differs between responses. Together they are one ordinary gzip member, which every client can read;
// two consecutive members are legal too, but not all clients read beyond the first.
//
// Stateless: safe from any thread. Out of memory is std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rcached {

// By measurement (tests/bench/scrape, part gzip; docs/benchmarks.md): higher levels save few bytes for the
// time they take.
inline constexpr int kGzipLevel = 1;

// Checksum and length of the beginning's text, needed for the end.
struct GzipSum {
  std::uint32_t crc = 0;
  std::uint64_t length = 0;
};

// Replaces `out`, reusing its memory, by the beginning: the header, and `text` as deflate blocks up to a byte
// boundary.
GzipSum gzip_begin(std::string_view text, int level, std::string& out);

// Returns the bytes that complete a beginning to the gzip of its text followed by `rest`.
std::string gzip_end(const GzipSum& beginning, std::string_view rest, int level);

}  // namespace rcached
