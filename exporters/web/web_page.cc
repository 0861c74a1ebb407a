// SPDX-License-Identifier: Apache-2.0
#include "exporters/web/web_page.h"

#include <memory>
#include <string>
#include <utility>

#include "exporters/http/negotiation.h"
#include "exporters/web/web_assets.h"

namespace rcached {
namespace {

constexpr const char* kCacheForever = "public, max-age=31536000, immutable";

std::shared_ptr<const std::string> share(std::string_view text) {
  return std::make_shared<const std::string>(text);
}

Route asset_route(const WebAsset& asset) {
  const bool is_page = asset.path == "/";
  Route route;
  route.path = asset.path;
  if (is_page) route.summary = "this host's domains, live";
  // Copied once; all responses share the copies.
  route.get = [&asset, is_page, plain = share(asset.plain),
               gzip = share(asset.gzip)](const HttpRequest& request) {
    HttpResponse response;
    response.content_type = asset.content_type;
    response.headers = {{"Cache-Control", is_page ? "no-store" : kCacheForever}, {"Vary", "Accept-Encoding"}};
    if (is_page) {
      response.headers.emplace_back("Content-Security-Policy", web_page_policy());
      response.headers.emplace_back("Referrer-Policy", "no-referrer");
    }
    // A client that accepts neither coding gets the plain contents, which is better than status 406.
    const bool compressed =
        choose_coding(request.header("Accept-Encoding")).value_or(ContentCoding::identity) ==
        ContentCoding::gzip;
    if (compressed) response.headers.emplace_back("Content-Encoding", "gzip");
    response.shared_body = compressed ? gzip : plain;
    return response;
  };
  return route;
}

}  // namespace

std::vector<Route> web_routes(PlainPage plain) {
  std::vector<Route> routes;
  for (const WebAsset& asset : web_assets()) routes.push_back(asset_route(asset));
  if (routes.empty()) {
    std::string remark = "This build has no live page: " + std::string(web_page_missing()) + ".";
    routes.push_back({"/", "this host's domains at a glance",
                      [plain, remark = std::move(remark)](const HttpRequest&) { return plain(remark); }});
  }
  routes.push_back({"/plain", "this host's domains at a glance, without scripts",
                    [plain = std::move(plain)](const HttpRequest&) { return plain({}); }});
  return routes;
}

}  // namespace rcached
