// SPDX-License-Identifier: Apache-2.0
#include "daemon/check/host_facts.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rcached {
namespace {

TEST(HostFacts, CapabilitiesComeFromCapEff) {
  const auto of = [](const char* mask) {
    return parse_privileges(
        std::string("CapInh:\t0000000000000000\nCapEff:\t") + mask + "\nCapBnd:\t000001ffffffffff\n", 7);
  };
  EXPECT_TRUE(of("000001ffffffffff").suffice());
  EXPECT_TRUE(of("000001ffffffffff").cap_sys_admin);
  EXPECT_FALSE(of("0000000000000000").suffice());
  EXPECT_TRUE(of("000000c000000000").suffice());
  EXPECT_FALSE(of("000000c000000000").cap_sys_admin);
  EXPECT_FALSE(of("0000008000000000").suffice());
  EXPECT_TRUE(of("0000008000000000").cap_bpf);
  EXPECT_TRUE(of("0000004000000000").cap_perfmon);
  EXPECT_TRUE(of("0000000000200000").suffice());
  EXPECT_EQ(of("0").euid, 7u);
  EXPECT_FALSE(parse_privileges("", 0).suffice());
  EXPECT_FALSE(parse_privileges("CapEff:\tzzz", 0).suffice());
}

TEST(HostFacts, LockdownIsTheWordInBrackets) {
  EXPECT_EQ(parse_lockdown("[none] integrity confidentiality\n"), Lockdown::none);
  EXPECT_EQ(parse_lockdown("none [integrity] confidentiality\n"), Lockdown::integrity);
  EXPECT_EQ(parse_lockdown("none integrity [confidentiality]\n"), Lockdown::confidentiality);
  EXPECT_EQ(parse_lockdown(""), Lockdown::unknown);
}

TEST(HostFacts, APortInUseIsPortTaken) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string place = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto taken = check_listen(place);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::port_taken);
  EXPECT_NE(taken.error().message.find(place), std::string::npos) << taken.error().message;
  close(fd);
  EXPECT_EQ(check_listen(place), true);
}

TEST(HostFacts, AnAddressNotYetAssignedIsNoFailure) {
  EXPECT_EQ(check_listen("192.0.2.1:9731"), false);  // TEST-NET-1, never assigned
  Config config;
  config.http.listen = "192.0.2.1:9731";
  EXPECT_TRUE(gather_host_facts({"test", config}).listen_absent);
}

// The facts are consistent on any machine.
TEST(HostFacts, OfThisMachine) {
  const HostFacts facts = gather_host_facts({"test", Config{}});
  EXPECT_EQ(facts.config_origin, "test");
  EXPECT_EQ(facts.privileges.euid, geteuid());
  EXPECT_FALSE(facts.kernel_release.empty());
  if (facts.tracing_tried) {
    EXPECT_TRUE(facts.privileges.suffice());
  }
  for (const CheckItem& item : evaluate(facts)) {
    EXPECT_EQ(item.status == CheckStatus::fail, item.code != ErrorCode::ok) << item.name;
    EXPECT_EQ(item.status == CheckStatus::fail, !item.hint.empty()) << item.name;
    EXPECT_EQ((item.detail + item.hint).find('\n'), std::string::npos) << item.name;
  }
}

TEST(HostFacts, ABadConfigurationIsAFactToo) {
  const HostFacts facts = gather_host_facts({"f.yaml", fail(ErrorCode::config, "bad", "fix it")});
  EXPECT_EQ(evaluate(facts).front().code, ErrorCode::config);
}

}  // namespace
}  // namespace rcached
