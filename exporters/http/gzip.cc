// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>

namespace rcached {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib writes the header
constexpr int kRawWindow = -15;       // deflate blocks only
constexpr int kMemoryLevel = 9;       // faster, for 256 KiB more during one compression

class Deflate {
 public:
  Deflate(int level, int window) {
    if (deflateInit2(&stream_, level, Z_DEFLATED, window, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Deflate() { deflateEnd(&stream_); }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  // Compresses all of `text`, ending with `flush`, into `out` from offset `used`; later content is overwritten.
  void run(std::string_view text, int flush, std::string& out, std::size_t used) {
    do {
      const std::size_t piece = std::min<std::size_t>(text.size(), std::numeric_limits<uInt>::max() / 2);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib only reads it
      stream_.avail_in = static_cast<uInt>(piece);
      text.remove_prefix(piece);
      const int how = text.empty() ? flush : Z_NO_FLUSH;
      do {
        if (out.size() - used < kRoom) out.resize(used + std::max(kRoom, used / 4));
        const auto room =
            static_cast<uInt>(std::min<std::size_t>(out.size() - used, std::numeric_limits<uInt>::max() / 2));
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + used);
        stream_.avail_out = room;
        deflate(&stream_, how);  // cannot fail: the stream is valid and there is room
        used += room - stream_.avail_out;
      } while (stream_.avail_out == 0 || stream_.avail_in != 0);
    } while (!text.empty());
    out.resize(used);
  }

  // Of all text so far; for gzip streams only.
  std::uint32_t crc() const { return static_cast<std::uint32_t>(stream_.adler); }

 private:
  static constexpr std::size_t kRoom = 1024;
  z_stream stream_{};
};

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xffu);
}

}  // namespace

GzipSum gzip_begin(std::string_view text, int level, std::string& out) {
  Deflate deflate(level, kGzipWindow);
  deflate.run(text, Z_SYNC_FLUSH, out, 0);
  return {deflate.crc(), text.size()};
}

std::string gzip_end(const GzipSum& beginning, std::string_view rest, int level) {
  std::string out;
  Deflate(level, kRawWindow).run(rest, Z_FINISH, out, 0);
  const auto* bytes = reinterpret_cast<const Bytef*>(rest.data());
  const uLong crc = crc32_z(crc32(0, nullptr, 0), bytes, rest.size());
  append_little_endian(
      out, static_cast<std::uint32_t>(crc32_combine(beginning.crc, crc, static_cast<z_off_t>(rest.size()))));
  append_little_endian(out, static_cast<std::uint32_t>(beginning.length + rest.size()));
  return out;
}

}  // namespace rcached
