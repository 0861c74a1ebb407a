// SPDX-License-Identifier: Apache-2.0
// HostileRequests: an endless, repeatable sequence of malformed and abusive requests.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace rcached::e2e {

enum class Ending : std::uint8_t {
  read,        // reads the whole response
  half_close,  // shuts down its sending side, then reads
  close,       // closes without reading
  reset,       // closes with a reset
  read_some,   // reads a few bytes, then resets
};

struct HostileRequest {
  std::string_view kind;
  std::vector<std::string> pieces;  // sent one after the other
  Ending ending = Ending::read;
};

class HostileRequests {
 public:
  // `authorization` is a valid value of that header; some of the requests use it.
  HostileRequests(std::uint64_t seed, std::string authorization)
      : random_(seed), authorization_(std::move(authorization)) {}

  HostileRequest next();

  static std::vector<std::string_view> kinds();

 private:
  using Make = void (HostileRequests::*)(HostileRequest&);
  struct Kind {
    std::string_view name;
    Make make;
  };
  static const std::vector<Kind>& table();

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool chance(std::size_t in) { return below(in) == 0; }
  std::string pick(const std::vector<std::string>& of) { return of[below(of.size())]; }
  std::string noise(std::size_t length);    // any bytes
  std::string letters(std::size_t length);  // printable ones
  std::string path();
  std::string head(const std::string& first_line);  // sometimes with credentials

  void truncated(HostileRequest& request);
  void noise_only(HostileRequest& request);
  void mutated(HostileRequest& request);
  void methods(HostileRequest& request);
  void versions(HostileRequest& request);
  void paths(HostileRequest& request);
  void absolute_uris(HostileRequest& request);
  void huge_heads(HostileRequest& request);
  void many_headers(HostileRequest& request);
  void bad_headers(HostileRequest& request);
  void injections(HostileRequest& request);
  void bad_lengths(HostileRequest& request);
  void chunked_bodies(HostileRequest& request);
  void smuggling(HostileRequest& request);
  void pipelined(HostileRequest& request);
  void nuls(HostileRequest& request);
  void line_ends(HostileRequest& request);
  void credentials(HostileRequest& request);
  void encodings(HostileRequest& request);
  void upgrades(HostileRequest& request);
  void other_protocols(HostileRequest& request);
  void byte_by_byte(HostileRequest& request);
  void nothing(HostileRequest& request);
  void streams(HostileRequest& request);
  void large_answers(HostileRequest& request);

  std::mt19937_64 random_;
  std::string authorization_;
};

}  // namespace rcached::e2e
