// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/request.h"

#include <gtest/gtest.h>

namespace rcached::api {
namespace {

TEST(PercentDecode, DecodesOnlyPercentSequences) {
  EXPECT_EQ(percent_decode(""), "");
  EXPECT_EQ(percent_decode("iovad-2"), "iovad-2");
  EXPECT_EQ(percent_decode("a%2Fb%2fc%00d+%25"), std::string("a/b/c\0d+%", 9));
  for (const char* bad : {"%", "a%", "%4", "%4g", "%g4", "%%41", "% 41"}) {
    EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
  }
}

TEST(ParseQuery, DecodesNamesAndValues) {
  const auto parameters =
      parse_query("after=7&&domain=iovad%2d2+x&empty=&flag&", {"after", "domain", "empty", "flag"});
  ASSERT_TRUE(parameters);
  const Parameters expected = {{"after", "7"}, {"domain", "iovad-2 x"}, {"empty", ""}, {"flag", ""}};
  EXPECT_EQ(*parameters, expected);
  EXPECT_EQ(*value_of(*parameters, "after"), "7");
  EXPECT_EQ(value_of(*parameters, "other"), nullptr);
  EXPECT_TRUE(parse_query("", {})->empty());
  EXPECT_EQ(parse_query("a=b=c", {"a"})->at(0).second, "b=c");
}

TEST(ParseQuery, ReportsErrors) {
  EXPECT_EQ(parse_query("afer=7", {"after", "domain"}).error().message,
            "unknown query parameter \"afer\"; this path accepts \"after\", \"domain\"");
  EXPECT_EQ(parse_query("x", {}).error().message, "unknown query parameter \"x\"; this path accepts none");
  EXPECT_EQ(parse_query("after=7&after=8", {"after"}).error().message,
            "the query parameter \"after\" is given twice");
  for (const char* bad : {"after=%", "%zz=1", "after=1%4"}) {
    EXPECT_EQ(parse_query(bad, {"after"}).error().message,
              "the query string has a '%' without two hexadecimal digits")
        << bad;
  }
}

TEST(ParseNumber, AcceptsDigitsThatFit) {
  EXPECT_EQ(parse_number("0"), 0u);
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615u);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "x"}) {
    EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
  }
}

TEST(InQuotes, IsShortAndPrintable) {
  EXPECT_EQ(in_quotes("4"), "\"4\"");
  EXPECT_EQ(in_quotes("a\n\x1b[31m\x7f\xff"), "\"a??[31m?\xef\xbf\xbd\"");
  EXPECT_EQ(in_quotes(std::string(64, 'x')), "\"" + std::string(64, 'x') + "\"");
  EXPECT_EQ(in_quotes(std::string(65, 'x')), "\"" + std::string(64, 'x') + "...\"");
}

TEST(Errors, CodesAndStatusesMapBothWays) {
  for (const auto& [code, status] : {std::pair(ErrorCode::usage, 400), std::pair(ErrorCode::permission, 403),
                                     std::pair(ErrorCode::not_found, 404), std::pair(ErrorCode::refused, 429),
                                     std::pair(ErrorCode::not_ready, 503)}) {
    EXPECT_EQ(http_status(code), status);
    EXPECT_EQ(code_of_status(status), code);
  }
  EXPECT_EQ(code_of_status(401), ErrorCode::permission);
  EXPECT_EQ(http_status(ErrorCode::internal), 500);
  EXPECT_EQ(code_of_status(500), ErrorCode::refused);
  EXPECT_EQ(code_of_status(301), ErrorCode::refused);
}

TEST(Errors, AnErrorResponseHasItsStatusAndText) {
  const HttpResponse response = error_response(bad_request("x\xff\"y"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(
      response.body,
      "{\"error\":{\"message\":\"x\xef\xbf\xbd\\\"y\",\"hint\":\"/api/v1/openapi.json describes every path "
      "and its parameters\"}}");
}

}  // namespace
}  // namespace rcached::api
