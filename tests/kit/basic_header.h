// SPDX-License-Identifier: Apache-2.0
// Credentials for tests.
#pragma once

#include <string>

namespace rcached::testing {

// The value of an Authorization header.
std::string basic_header(const std::string& user, const std::string& password);

// A bcrypt hash of the lowest cost, unless `prefix` sets another one ("$2y$10$").
std::string bcrypt(const std::string& password, const std::string& prefix = "$2b$04$");

}  // namespace rcached::testing
