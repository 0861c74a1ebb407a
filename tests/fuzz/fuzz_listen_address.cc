// SPDX-License-Identifier: Apache-2.0
// http.listen and --listen. The resolver is replaced, so that no name server is queried.
#include "exporters/http/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <cstring>

#include "base/error.h"
#include "daemon/config/values.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int getaddrinfo(const char* host, const char* /*service*/, const addrinfo* /*hints*/,
                           addrinfo** result) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (::inet_pton(AF_INET, std::strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address.sin_addr) !=
      1) {
    return EAI_NONAME;
  }
  struct Answer {
    addrinfo info;
    sockaddr_in address;
  };
  auto* answer = new Answer{{}, address};
  answer->info.ai_addr = reinterpret_cast<sockaddr*>(&answer->address);
  *result = &answer->info;
  static_assert(offsetof(Answer, info) == 0);
  return 0;
}

extern "C" void freeaddrinfo(addrinfo* result) noexcept { ::operator delete(result); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto address = ListenAddress::parse(text);
  const bool configured = is_listen_address(text);
  if (!address) {
    check(address.error().code == ErrorCode::config, "the error code of an invalid address",
          address.error().message);
    check(!address.error().hint.empty(), "the error has a hint", address.error().message);
    check(!configured, "the server accepts every configured address", text);
    return 0;
  }
  check(address->port() != 0, "a port", text);
  const std::string numeric = address->numeric();
  const auto again = ListenAddress::parse(numeric);
  check(again && again->numeric() == numeric, "the numeric form can be parsed", numeric);
  // The daemon warns if it can be reached from other machines, so this check must be reliable.
  if (configured && is_loopback(text)) check(numeric.starts_with("127."), "loopback is loopback", numeric);
  return 0;
}
