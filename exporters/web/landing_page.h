// SPDX-License-Identifier: Apache-2.0
// The landing page: who rcached is, what it follows, the balance sheet of every domain, and where to go. One
// self-contained HTML page, without scripts or requests to anywhere. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "view/view.h"

namespace rcached {

// Content-Security-Policy of the page: nothing may load or run; the hash admits exactly its own style sheet.
extern const char* const kLandingPagePolicy;

// `view` may be null before the first one. `not_ready_reason` is empty when the daemon is ready. `now_ns` is
// of the snapshot's clock. `remark` is a sentence shown at the top, or empty.
std::string landing_page(const View* view, std::string_view not_ready_reason, std::uint64_t now_ns,
                         std::string_view remark = {});

}  // namespace rcached
