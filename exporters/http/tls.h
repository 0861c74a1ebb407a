// SPDX-License-Identifier: Apache-2.0
// TLS through CivetWeb, which loads OpenSSL at run time. The CivetWeb of Debian 12 and 13 was built for
// OpenSSL 1.1 and crashes in its first handshake with OpenSSL 3, so TLS is a build option (RCACHED_TLS,
// CMakeLists.txt) for systems with a different build. docs/tls.md shows a reverse proxy for all others.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "exporters/http/web_config.h"

namespace rcached {

// Checks that this build can serve TLS with these files. `origin` is the web configuration, for messages. Errors:
// config (built without TLS; CivetWeb without TLS; a file cannot be read or has no certificate or key).
Expected<void> check_tls(const WebConfig::Tls& tls, const std::string& origin);

struct TlsSettings {
  std::vector<std::pair<std::string, std::string>> options;  // of CivetWeb
  // Key and certificate in one in-memory file, as CivetWeb requires; may be closed once CivetWeb runs.
  UniqueFd pem;
};
Expected<TlsSettings> civetweb_tls_settings(const WebConfig::Tls& tls);

}  // namespace rcached
