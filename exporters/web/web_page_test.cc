// SPDX-License-Identifier: Apache-2.0
#include "exporters/web/web_page.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <string>

#include "exporters/web/web_assets.h"

namespace rcached {
namespace {

std::string gunzip(std::string_view packed) {
  z_stream stream{};
  inflateInit2(&stream, 16 + MAX_WBITS);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::string piece(65'536, '\0');
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END ? out : "not gzip";
}

class WebPageTest : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& path, std::string_view accept_encoding = {}) const {
    const auto route =
        std::find_if(routes_.begin(), routes_.end(), [&](const Route& r) { return r.path == path; });
    EXPECT_NE(route, routes_.end()) << path;
    if (route == routes_.end()) return {};
    HttpRequest request;
    request.header = [=](std::string_view name) {
      return name == "Accept-Encoding" ? accept_encoding : std::string_view();
    };
    return route->get(request);
  }

  static std::string header(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }

  std::vector<Route> routes_ = web_routes([](std::string_view remark) {
    HttpResponse response;
    response.body = "plain: " + std::string(remark);
    return response;
  });
};

TEST_F(WebPageTest, ThePlainPageIsAlwaysServed) { EXPECT_EQ(get("/plain").body, "plain: "); }

TEST_F(WebPageTest, WithoutALivePageThePlainPageShowsTheReason) {
  if (!web_assets().empty()) {
    EXPECT_TRUE(web_page_missing().empty());
    return;
  }
  EXPECT_FALSE(web_page_missing().empty());
  EXPECT_EQ(get("/").body, "plain: This build has no live page: " + std::string(web_page_missing()) + ".");
}

class LivePageTest : public WebPageTest {
 protected:
  void SetUp() override {
    if (web_assets().empty()) GTEST_SKIP() << "no live page: " << web_page_missing();
  }
};

TEST_F(LivePageTest, ThePageHasAStrictPolicyAndIsNotCached) {
  const HttpResponse page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(page, "Cache-Control"), "no-store");
  const std::string policy = header(page, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; ")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find("http"), std::string::npos);
}

TEST_F(LivePageTest, EveryAssetOfThePageIsServed) {
  const std::string html = *get("/").shared_body;
  const std::regex link("(?:src|href)=\"([^\"]+)\"");
  std::size_t assets = 0;
  for (std::sregex_iterator at(html.begin(), html.end(), link), end; at != end; ++at) {
    const std::string target = (*at)[1];
    EXPECT_TRUE(target.starts_with("/") || target.starts_with("#")) << target << " is external";
    if (!target.starts_with("/assets/")) continue;
    ++assets;
    const HttpResponse asset = get(target);
    EXPECT_GT(asset.shared_body->size(), 100u) << target;
    EXPECT_EQ(header(asset, "Cache-Control"), "public, max-age=31536000, immutable") << target;
  }
  EXPECT_GE(assets, 4u);
  EXPECT_EQ(html.find("{{"), std::string::npos) << "a placeholder was not replaced";
}

TEST_F(LivePageTest, NamesOfAssetsContainAHash) {
  const std::regex name("/|/assets/[a-z]+-[0-9a-f]{12}\\.(js|css|svg)");
  for (const WebAsset& asset : web_assets()) {
    EXPECT_TRUE(std::regex_match(std::string(asset.path), name)) << asset.path;
  }
}

TEST_F(LivePageTest, CompressedOnlyIfAcceptedAndWithTheSameContents) {
  for (const WebAsset& asset : web_assets()) {
    const std::string path(asset.path);
    for (const char* refused : {"", "identity", "gzip;q=0", "gzip; q=0.000", "br, deflate", "x-gzip-not"}) {
      EXPECT_EQ(header(get(path, refused), "Content-Encoding"), "") << path << " for " << refused;
    }
    for (const char* accepted : {"gzip", "br, GZIP;q=0.5", "gzip ; q=1.0", "deflate,gzip"}) {
      const HttpResponse packed = get(path, accepted);
      EXPECT_EQ(header(packed, "Content-Encoding"), "gzip") << path << " for " << accepted;
      EXPECT_EQ(header(packed, "Vary"), "Accept-Encoding");
      EXPECT_EQ(gunzip(*packed.shared_body), *get(path).shared_body) << path;
    }
  }
}

TEST_F(LivePageTest, IsSmallEnoughForEveryBinary) {
  std::size_t plain = 0;
  std::size_t packed = 0;
  for (const WebAsset& asset : web_assets()) {
    plain += asset.plain.size();
    packed += asset.gzip.size();
  }
  EXPECT_LT(plain, 200'000u);
  EXPECT_LT(packed, 80'000u);
}

}  // namespace
}  // namespace rcached
