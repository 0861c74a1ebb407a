// SPDX-License-Identifier: Apache-2.0
// What a domain holds as lines of text that can be compared between programs: one for each CPU's rcache,
// depot and tree, with a digest of all pfns in it. The format is an interface: a test oracle in the kernel
// prints the same.
//
//   cpu DOMAIN ORDER CPU LOADED PREV HASH    for every CPU and order with LOADED + PREV > 0
//   depot DOMAIN ORDER MAGAZINES HASH        for every order with MAGAZINES > 0
//   tree DOMAIN RANGES HASH
//
// HASH is 16 lower-case hex digits, FNV-1a over 64-bit values instead of bytes: h = 0xcbf29ce484222325, and
// for each value v: h = (h ^ v) * 0x100000001b3. Values, in this order: cpu: the pfns of loaded from the
// bottom to the top, then those of prev; depot: its magazines from the bottom to the top, the pfns of each
// from the bottom to the top; tree: lo and hi of each range, ascending. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "allocator/contents.h"

namespace rcached {

// In no particular order.
std::vector<std::string> contents_lines(std::string_view domain, const DomainContents& contents);

}  // namespace rcached
