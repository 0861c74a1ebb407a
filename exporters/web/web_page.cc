// SPDX-License-Identifier: Apache-2.0
#include "exporters/web/web_page.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "exporters/web/web_assets.h"

namespace rcached {
namespace {

constexpr const char* kForEver = "public, max-age=31536000, immutable";

// Accept-Encoding (RFC 9110, 12.5.3): gzip is named, and not refused by q=0.
bool accepts_gzip(std::string_view accept) {
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    std::string element;
    for (const char c : accept.substr(0, comma)) {
      if (c != ' ' && c != '\t') element += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const std::size_t parameter = std::min(element.find(';'), element.size());
    if (element.substr(0, parameter) != "gzip") continue;
    const std::string_view weight = std::string_view(element).substr(parameter);
    return !weight.starts_with(";q=0") || weight.find_first_of("123456789", 4) != std::string_view::npos;
  }
  return false;
}

std::shared_ptr<const std::string> share(std::string_view text) {
  return std::make_shared<const std::string>(text);
}

Route asset_route(const WebAsset& asset) {
  const bool is_page = asset.path == "/";
  Route route;
  route.path = asset.path;
  if (is_page) route.summary = "this host's domains, live";
  // The copies are made once; every answer shares them.
  route.get = [&asset, is_page, plain = share(asset.plain),
               gzip = share(asset.gzip)](const HttpRequest& request) {
    HttpResponse response;
    response.content_type = asset.content_type;
    response.headers = {{"Cache-Control", is_page ? "no-store" : kForEver}, {"Vary", "Accept-Encoding"}};
    if (is_page) {
      response.headers.emplace_back("Content-Security-Policy", web_page_policy());
      response.headers.emplace_back("Referrer-Policy", "no-referrer");
    }
    const bool compressed = accepts_gzip(request.header("Accept-Encoding"));
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
