// SPDX-License-Identifier: Apache-2.0
// The web configuration file of the exporter-toolkit's format.
#include "exporters/http/web_config.h"

#include "base/error.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto duration = parse_go_duration(text))
    check(duration->count() >= 0, "durations are not negative", text);
  (void)bcrypt_fault(text);
  const auto config = parse_web_config(text, "/etc/rcached/web.yaml");
  if (!config) {
    check(config.error().code == ErrorCode::config, "the kind of a bad file", config.error().message);
    check(config.error().message.find("web.yaml") != std::string::npos, "names the file",
          config.error().message);
    check(!config.error().hint.empty(), "says what to do", config.error().message);
    check(fuzz::is_printable(config.error().message), "the message fits a terminal", config.error().message);
    check(fuzz::is_printable(config.error().hint), "the hint fits a terminal", config.error().hint);
    return 0;
  }
  for (const WebConfig::User& user : config->users) {
    check(bcrypt_fault(user.hash).empty(), "hashes that can be checked", user.hash);
  }
  for (const auto& [name, value] : config->headers) {
    check(fuzz::is_printable(name + value), "headers that are one line", name);
  }
  if (config->tls)
    check(!config->tls->cert_file.empty() && !config->tls->key_file.empty(), "TLS with its files");
  return 0;
}
