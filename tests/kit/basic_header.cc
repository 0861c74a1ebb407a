// SPDX-License-Identifier: Apache-2.0
#include "tests/kit/basic_header.h"

#include <crypt.h>

#include <memory>
#include <string_view>

namespace rcached::testing {

std::string basic_header(const std::string& user, const std::string& password) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string text = user + ":" + password;
  std::string out = "Basic ";
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j > text.size() ? '=' : kAlphabet[group >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

std::string bcrypt(const std::string& password, const std::string& prefix) {
  const auto data = std::make_unique<crypt_data>();
  const std::string setting = prefix + "abcdefghijklmnopqrstuu";  // a salt of 22 characters
  const char* hash = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  return hash == nullptr ? "" : hash;
}

}  // namespace rcached::testing
