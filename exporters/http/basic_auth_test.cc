// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/basic_auth.h"

#include <crypt.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/kit/basic_header.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using rcached::testing::eventually;

using namespace std::chrono_literals;
using testing::basic_header;
using testing::bcrypt;
using Verdict = BasicAuth::Verdict;

TEST(ParseBasic, SplitsUserAndPassword) {
  const auto credentials = parse_basic("Basic YWxpY2U6c2VjcmV0");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->user, "alice");
  EXPECT_EQ(credentials->password, "secret");
  EXPECT_TRUE(parse_basic("bAsIc   YWxpY2U6c2VjcmV0")) << "case-insensitive scheme, any number of spaces";
  EXPECT_EQ(parse_basic(basic_header("a", "b:c"))->password, "b:c") << "split at the first colon";
  EXPECT_EQ(parse_basic(basic_header("", ""))->user, "");
  EXPECT_EQ(parse_basic(basic_header("\xc3\xa4", "\xe2\x82\xac"))->password, "\xe2\x82\xac");
}

TEST(ParseBasic, RefusesWhatIsNotWellFormed) {
  for (const char* header :
       {"", "Basic", "Basic ", "Basic !!!!", "Basic YWxpY2U6c2VjcmV", "Basic YWxpY2U6c2VjcmV0=",
        "Basic YWxpY2U6c2VjcmV0====", "Basic =", "Basic ==", "Basic YQ==", "Basic YR==", "Basic YWxp Y2U6",
        "Bearer YWxpY2U6c2VjcmV0", "YWxpY2U6c2VjcmV0", "Basic\tYWxpY2U6c2VjcmV0",
        "Basic YWxpY2U6c2VjcmV0, Basic x"}) {
    EXPECT_FALSE(parse_basic(header)) << header;
  }
  EXPECT_FALSE(parse_basic("Basic " + std::string(2000, 'A'))) << "too long";
  EXPECT_FALSE(parse_basic(basic_header("alice", std::string("secret\0x", 8)))) << "crypt() stops at the NUL";
}

class BasicAuthTest : public ::testing::Test {
 protected:
  Verdict check(const std::string& user, const std::string& password,
                const std::string& client = "10.0.0.1") {
    return auth_.check(basic_header(user, password), client);
  }

  BasicAuth auth_{{{"alice", bcrypt("secret")}, {"bob", bcrypt("hunter2", "$2y$04$")}}, 4};
};

TEST_F(BasicAuthTest, AcceptsOnlyCorrectCredentials) {
  EXPECT_EQ(check("alice", "secret"), Verdict::good);
  EXPECT_EQ(check("bob", "hunter2"), Verdict::good);
  EXPECT_EQ(check("alice", "hunter2"), Verdict::refused);
  EXPECT_EQ(check("alice", ""), Verdict::refused);
  EXPECT_EQ(check("alice", "secret "), Verdict::refused);
  EXPECT_EQ(check("Alice", "secret"), Verdict::refused);
  EXPECT_EQ(check("mallory", "secret"), Verdict::refused);
  EXPECT_EQ(check("", ""), Verdict::refused);
  EXPECT_EQ(auth_.check("", "10.0.0.1"), Verdict::refused);
  EXPECT_EQ(auth_.check("Basic nonsense", "10.0.0.1"), Verdict::refused);
}

TEST_F(BasicAuthTest, ACorrectPasswordIsComputedOnce) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(check("alice", "secret"), Verdict::good);
  EXPECT_EQ(auth_.computed(), 1u);
  EXPECT_EQ(check("alice", "wrong"), Verdict::refused);
  EXPECT_EQ(check("alice", "wrong"), Verdict::refused);
  EXPECT_EQ(auth_.computed(), 3u) << "wrong passwords are not remembered";
  EXPECT_EQ(check("bob", "secret"), Verdict::refused) << "passwords are remembered per user";
}

TEST_F(BasicAuthTest, AnUnknownUserCostsAComputationToo) {
  EXPECT_EQ(check("mallory", "secret"), Verdict::refused);
  EXPECT_EQ(auth_.computed(), 1u);
}

TEST_F(BasicAuthTest, ParallelRequestsWithTheSameCredentialsShareOneCheck) {
  BasicAuth slow({{"alice", bcrypt("secret", "$2b$10$")}}, 16);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { good += slow.check(basic_header("alice", "secret"), "10.0.0.1") == Verdict::good; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(slow.computed(), 1u);
}

TEST_F(BasicAuthTest, APasswordGuesserDoesNotBlockOtherClients) {
  BasicAuth slow({{"alice", bcrypt("secret", "$2b$10$")}}, 4);
  std::atomic<bool> done = false;
  std::atomic<int> busy = 0, running = 0;
  std::vector<std::thread> guessers;
  guessers.reserve(8);
  for (int t = 0; t < 8; ++t) {
    guessers.emplace_back([&, t] {
      for (int i = 0; !done; ++i) {
        ++running;
        const auto verdict = slow.check(basic_header("alice", std::to_string(t * 100'000 + i)), "10.0.0.66");
        busy += verdict == Verdict::busy;
        if (verdict == Verdict::busy) std::this_thread::sleep_for(1ms);
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return busy > 20; }));
  EXPECT_EQ(slow.check(basic_header("alice", "secret"), "10.0.0.1"), Verdict::good) << "another address";
  EXPECT_EQ(slow.check(basic_header("alice", "secret"), "10.0.0.66"), Verdict::good) << "remembered for all";
  done = true;
  for (std::thread& guesser : guessers) guesser.join();
  EXPECT_LT(slow.computed(), static_cast<std::size_t>(running)) << "most were refused without computing";
}

TEST_F(BasicAuthTest, StopEndsAllWaiting) {
  BasicAuth slow({{"alice", bcrypt("secret", "$2b$10$")}}, 64);
  std::vector<std::thread> threads;
  threads.reserve(16);
  std::atomic<int> started = 0;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      ++started;
      slow.check(basic_header("alice", "wrong" + std::to_string(i)), "10.0.0." + std::to_string(i));
    });
  }
  EXPECT_TRUE(eventually([&] { return started == 16; }));
  slow.stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slow.check(basic_header("alice", "new"), "10.0.1.1"), Verdict::busy);
}

std::string hex(const Digest& digest) {
  std::string out;
  for (const std::uint8_t byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

TEST(Digest, HmacMatchesTheTestVectors) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace rcached
