// SPDX-License-Identifier: Apache-2.0
// The web configuration file, in the format of the exporter-toolkit.
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
    check(config.error().code == ErrorCode::config, "the error code of an invalid file",
          config.error().message);
    check(config.error().message.find("web.yaml") != std::string::npos, "the message has the file name",
          config.error().message);
    check(!config.error().hint.empty(), "the error has a hint", config.error().message);
    check(fuzz::is_printable(config.error().message), "the message is printable", config.error().message);
    check(fuzz::is_printable(config.error().hint), "the hint is printable", config.error().hint);
    return 0;
  }
  for (const WebConfig::User& user : config->users) {
    check(bcrypt_fault(user.hash).empty(), "valid bcrypt hashes", user.hash);
  }
  for (const auto& [name, value] : config->headers) {
    check(fuzz::is_printable(name + value), "headers are one line", name);
  }
  if (config->tls)
    check(!config->tls->cert_file.empty() && !config->tls->key_file.empty(), "TLS has its files");
  return 0;
}
