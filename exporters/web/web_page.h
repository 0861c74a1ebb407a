// SPDX-License-Identifier: Apache-2.0
// Routes of the live page and its assets. The page asks the JSON API for everything it shows.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "exporters/http/message.h"

namespace rcached {

// The plain page. `remark` is a sentence to show on it, or empty. Called from several threads at once.
using PlainPage = std::function<HttpResponse(std::string_view remark)>;

//   /         the live page; the plain one, with the reason, when this build has no live page
//   /plain    the plain page, for browsers without scripts
//   /assets/  scripts, styles and the icon: named by their contents, so they may be cached for ever
std::vector<Route> web_routes(PlainPage plain);

}  // namespace rcached
