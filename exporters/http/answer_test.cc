// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/answer.h"

#include <gtest/gtest.h>

namespace rcached {
namespace {

using namespace std::chrono_literals;

TEST(Answer, TheHeadDescribesTheBody) {
  HttpResponse response;
  response.body = "12345";
  response.shared_body = std::make_shared<const std::string>("123");
  EXPECT_EQ(render_head(response, {}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\nConnection: "
            "close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n");
}

TEST(Answer, AStreamHasNoLengthAndIsNotBuffered) {
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.stream = [](HttpStream&) {};
  EXPECT_EQ(render_head(response, {}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nConnection: "
            "close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n");
}

TEST(Answer, AnAnswerWithoutABodyHasNoLength) {
  HttpResponse response;
  response.status = 304;
  response.headers = {{"ETag", "\"1\""}};
  EXPECT_EQ(render_head(response, {}),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nETag: \"1\"\r\nCache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n\r\n");
}

TEST(Answer, ResponseHeadersOverrideTheConfigurationAndBothTheServer) {
  HttpResponse response;
  response.headers = {{"cache-control", "max-age=60"}, {"X-Frame-Options", "deny"}};
  const std::string head =
      render_head(response, {{"X-Frame-Options", "sameorigin"}, {"x-content-type-options", "nosniff"}});
  EXPECT_NE(head.find("cache-control: max-age=60\r\n"), std::string::npos);
  EXPECT_EQ(head.find("no-store"), std::string::npos);
  EXPECT_NE(head.find("X-Frame-Options: deny\r\n"), std::string::npos);
  EXPECT_EQ(head.find("sameorigin"), std::string::npos);
  EXPECT_NE(head.find("x-content-type-options: nosniff\r\n"), std::string::npos);
  EXPECT_EQ(head.find("X-Content-Type-Options"), std::string::npos);
}

TEST(Answer, NoValueCanAddAHeader) {
  HttpResponse response;
  response.headers = {{"Location", std::string("/a\r\nSet-Cookie: b\0c", 19)}};
  const std::string head = render_head(response, {});
  EXPECT_NE(head.find("Location: /aSet-Cookie: bc\r\n"), std::string::npos);
}

TEST(Answer, RetryAfterIsInWholeSecondsAndNeverZero) {
  const auto retry = [](std::chrono::milliseconds after) {
    return plain_answer(429, "slow down", after).headers.front().second;
  };
  EXPECT_EQ(retry(0ms), "1");
  EXPECT_EQ(retry(1'001ms), "2");
  EXPECT_EQ(plain_answer(429, "slow down").body, "slow down\n");
}

}  // namespace
}  // namespace rcached
