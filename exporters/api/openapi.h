// SPDX-License-Identifier: Apache-2.0
// exporters/api/openapi.json with this version's number, as the build embeds it (embed_openapi.cmake).
#pragma once

#include <string_view>

namespace rcached::api {

std::string_view openapi_document();

}  // namespace rcached::api
