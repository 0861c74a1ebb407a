// SPDX-License-Identifier: Apache-2.0
// The plain page: version, kernel, the balance sheet of every domain and links. It is one HTML page without
// scripts and without requests. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "view/view.h"

namespace rcached {

// Content-Security-Policy of the page: nothing may be loaded or run; the hash allows its own style sheet
// only.
extern const char* const kPlainPagePolicy;

// `view` is null before the first snapshot. `not_ready_reason` is empty when the daemon is ready. `now_ns` is
// on the clock of the snapshot. `remark` is a sentence to show at the top, or empty.
std::string plain_page(const View* view, std::string_view not_ready_reason, std::uint64_t now_ns,
                       std::string_view remark = {});

}  // namespace rcached
