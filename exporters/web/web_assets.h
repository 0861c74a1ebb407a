// SPDX-License-Identifier: Apache-2.0
// The files of the live page, as the build has put them into the binary. The definitions are generated
// (exporters/web/build-page); a build without npm has none of them and says why.
#pragma once

#include <span>
#include <string_view>

namespace rcached {

struct WebAsset {
  std::string_view path;  // as in a request: "/" or "/assets/main-0123456789ab.js"
  std::string_view content_type;
  std::string_view plain;
  std::string_view gzip;  // the same, compressed
};

// The page itself ("/") first; empty when this build has no live page.
std::span<const WebAsset> web_assets();

// Content-Security-Policy of the page.
std::string_view web_page_policy();

// Why this build has no live page, as the rest of a sentence: "npm was not found when it was built". Empty
// when it has one.
std::string_view web_page_missing();

}  // namespace rcached
