// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/listen_address.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/kit/http_client.h"

namespace rcached {
namespace {

TEST(ListenAddress, ParsesAddressesAndNames) {
  EXPECT_EQ(ListenAddress::parse("127.0.0.1:9731")->numeric(), "127.0.0.1:9731");
  EXPECT_EQ(ListenAddress::parse("0.0.0.0:65535")->numeric(), "0.0.0.0:65535");
  EXPECT_EQ(ListenAddress::parse("localhost:80")->numeric(), "127.0.0.1:80");
}

TEST(ListenAddress, RejectsAnythingButHostAndPort) {
  for (const char* text :
       {"", ":", "9731", ":9731", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
        "127.0.0.1:97x", "127.0.0.1:-1", "[::1]:9731", "::1:9731", "no.such.host.invalid:9731"}) {
    const auto address = ListenAddress::parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::config);
    EXPECT_NE(address.error().message.find('"' + std::string(text) + '"'), std::string::npos)
        << "names the address";
    EXPECT_NE(address.error().hint.find("host:port"), std::string::npos) << "has a hint";
  }
  const auto hidden = ListenAddress::parse(std::string_view("127.0.0.1\0.example:80", 21));
  ASSERT_FALSE(hidden) << "must not be truncated at the NUL byte";
  EXPECT_NE(hidden.error().message.find("NUL"), std::string::npos);
  EXPECT_NE(ListenAddress::parse("[::1]:9731").error().message.find("IPv6"), std::string::npos);
}

TEST(ListenAddress, ListensOrReportsWhyNot) {
  const std::uint16_t port = testing::free_port();
  const auto address = ListenAddress::parse("127.0.0.1:" + std::to_string(port));
  auto holder = address->bind();
  ASSERT_TRUE(holder.has_value());
  EXPECT_FALSE(testing::RawConnection(port).connected()) << "refused before listen()";
  ASSERT_TRUE(address->listen(*holder).has_value());
  EXPECT_TRUE(testing::RawConnection(port).connected());
  EXPECT_NE(::fcntl(holder->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(holder->get(), F_GETFD) & FD_CLOEXEC, 0);

  const auto in_use = address->bind();
  ASSERT_FALSE(in_use.has_value());
  EXPECT_EQ(in_use.error().code, ErrorCode::port_taken);
  EXPECT_EQ(in_use.error().message, "cannot listen on " + address->numeric() + ": Address already in use");
  EXPECT_NE(in_use.error().hint.find("sport = :" + std::to_string(port)), std::string::npos);

  holder->reset();
  EXPECT_TRUE(address->probe().has_value()) << "free again";
}

TEST(ListenAddress, ListensOnAnAddressThatTheHostDoesNotHaveYet) {
  const auto later = ListenAddress::parse("192.0.2.1:9731");  // TEST-NET-1 is never assigned
  EXPECT_FALSE(later->present());
  const auto bound = later->bind();
  ASSERT_TRUE(bound.has_value()) << bound.error().message;
  EXPECT_TRUE(later->listen(*bound).has_value());

  EXPECT_TRUE(ListenAddress::parse("127.0.0.1:9731")->present());
  EXPECT_TRUE(ListenAddress::parse("0.0.0.0:9731")->present());
}

}  // namespace
}  // namespace rcached
