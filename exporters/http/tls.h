// SPDX-License-Identifier: Apache-2.0
// TLS through CivetWeb, which loads OpenSSL at run time. Some builds do not fit the OpenSSL that is installed
// (that of Debian 12 crashes when the first handshake ends), so a handshake is tried in a child process
// first.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "exporters/http/web_config.h"

namespace rcached {

// Whether the installed CivetWeb can serve TLS with these files. Forks: call it before there are many
// threads; takes well under a second, at most ten. `origin` is the web configuration, for messages. Errors:
// bad_web_config (a file cannot be read, holds no certificate or key that fit, or TLS does not work at all).
Expected<void> probe_tls(const WebConfig::Tls& tls, const std::string& origin);

// Reads the web configuration and probes when it asks for TLS: what the daemon calls early. True: it does
// ask.
Expected<bool> probe_tls_of(const std::string& web_config);

struct TlsSettings {
  std::vector<std::pair<std::string, std::string>> options;  // of CivetWeb
  UniqueFd
      pem;  // key and certificate in one file in memory, as CivetWeb wants them; may be closed once it runs
};
Expected<TlsSettings> civetweb_tls_settings(const WebConfig::Tls& tls);

}  // namespace rcached
