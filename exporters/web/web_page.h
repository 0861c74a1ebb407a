// SPDX-License-Identifier: Apache-2.0
// Routes of the live page and its assets. The page gets its data from the JSON API.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "exporters/http/message.h"

namespace rcached {

// The plain page. `remark` is a sentence to show on it, or empty. May be called by several threads at once.
using PlainPage = std::function<HttpResponse(std::string_view remark)>;

//   /         the live page; the plain one, with the reason, when this build has no live page
//   /plain    the plain page, for browsers without scripts
//   /assets/  scripts, styles and the icon: named by a hash of their contents, so they can be cached forever
std::vector<Route> web_routes(PlainPage plain);

}  // namespace rcached
