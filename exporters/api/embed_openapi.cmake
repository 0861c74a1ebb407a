# SPDX-License-Identifier: Apache-2.0
# cmake -DINPUT=openapi.json -DVERSION=x.y.z -DOUTPUT=openapi.cc -P embed_openapi.cmake
# Writes the document, with @VERSION@ filled in, as a C++ source.
cmake_minimum_required(VERSION 3.25)
file(READ "${INPUT}" document)
string(REPLACE "@VERSION@" "${VERSION}" filled "${document}")
if(filled STREQUAL document)
  message(FATAL_ERROR "${INPUT} has no @VERSION@ to fill in")
endif()
file(WRITE "${OUTPUT}.json" "${filled}")
file(READ "${OUTPUT}.json" bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n"
       bytes "${bytes}")
file(WRITE "${OUTPUT}"
"// SPDX-License-Identifier: Apache-2.0
// Made from exporters/api/openapi.json by embed_openapi.cmake.
#include \"exporters/api/openapi.h\"

namespace rcached::api {
namespace {
constexpr unsigned char kDocument[] = {
${bytes}};
}  // namespace

std::string_view openapi_document() { return {reinterpret_cast<const char*>(kDocument), sizeof kDocument}; }

}  // namespace rcached::api
")
