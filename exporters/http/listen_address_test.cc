// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/listen_address.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/testing/http_client.h"

namespace rcached {
namespace {

TEST(ListenAddress, ParsesAddressesAndNames) {
  EXPECT_EQ(ListenAddress::parse("127.0.0.1:9731")->numeric(), "127.0.0.1:9731");
  EXPECT_EQ(ListenAddress::parse("0.0.0.0:65535")->numeric(), "0.0.0.0:65535");
  EXPECT_EQ(ListenAddress::parse("localhost:80")->numeric(), "127.0.0.1:80");
}

TEST(ListenAddress, RefusesWhatIsNotHostAndPort) {
  for (const char* text :
       {"", ":", "9731", ":9731", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
        "127.0.0.1:97x", "127.0.0.1:-1", "[::1]:9731", "::1:9731", "no.such.host.invalid:9731"}) {
    const auto address = ListenAddress::parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_EQ(address.error().kind, HttpError::Kind::bad_address);
    EXPECT_NE(address.error().message.find('"' + std::string(text) + '"'), std::string::npos) << "says what";
    EXPECT_NE(address.error().mend.find("host:port"), std::string::npos) << "says what to do";
  }
  const auto hidden = ListenAddress::parse(std::string_view("127.0.0.1\0.example:80", 21));
  ASSERT_FALSE(hidden) << "what stands before the NUL byte is not what was written";
  EXPECT_NE(hidden.error().message.find("NUL"), std::string::npos);
  EXPECT_NE(ListenAddress::parse("[::1]:9731").error().message.find("IPv6"), std::string::npos);
}

TEST(ListenAddress, ProbeSaysWhyOneCannotListen) {
  const std::uint16_t port = testing::free_port();
  const auto address = ListenAddress::parse("127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(address->probe().has_value());

  const int holder = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in taken{};
  taken.sin_family = AF_INET;
  taken.sin_port = htons(port);
  taken.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(holder, reinterpret_cast<sockaddr*>(&taken), sizeof taken), 0);
  ASSERT_EQ(::listen(holder, 1), 0);
  const auto in_use = address->probe();
  ::close(holder);
  ASSERT_FALSE(in_use.has_value());
  EXPECT_EQ(in_use.error().kind, HttpError::Kind::address_unusable);
  EXPECT_EQ(in_use.error().message, "cannot listen on " + address->numeric() + ": Address already in use");
  EXPECT_NE(in_use.error().mend.find("sport = :" + std::to_string(port)), std::string::npos);

  const auto not_ours = ListenAddress::parse("192.0.2.1:9731")->probe();  // TEST-NET-1 is nobody's
  ASSERT_FALSE(not_ours.has_value());
  EXPECT_EQ(not_ours.error().kind, HttpError::Kind::address_unusable);
  EXPECT_NE(not_ours.error().mend.find("does not have that address"), std::string::npos);
}

TEST(ListenAddress, OwnsItsSockets) {
  const auto local = [](std::uint32_t host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(host);
    return address;
  };
  const auto loopback = *ListenAddress::parse("127.0.0.1:9731");
  EXPECT_TRUE(loopback.owns(local(0x7f000001, 9731)));
  EXPECT_FALSE(loopback.owns(local(0x7f000001, 9732)));
  EXPECT_FALSE(loopback.owns(local(0x7f000002, 9731)));
  EXPECT_TRUE(ListenAddress::parse("0.0.0.0:9731")->owns(local(0x0a000001, 9731)));
  sockaddr_in other_family = local(0x7f000001, 9731);
  other_family.sin_family = AF_UNIX;
  EXPECT_FALSE(loopback.owns(other_family));
}

}  // namespace
}  // namespace rcached
