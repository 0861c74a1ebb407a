// SPDX-License-Identifier: Apache-2.0
// The files are created with the openssl command.
#include "exporters/http/tls.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/kit/temporary_folder.h"

namespace rcached {
namespace {

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    for (const char* who : {"server", "other"}) {
      const std::string stem = (directory_ / who).string();
      const std::string command =
          "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
          "-subj /CN=localhost -keyout " +
          stem + ".key -out " + stem + ".crt 2>/dev/null";
      EXPECT_EQ(std::system(command.c_str()), 0) << "openssl is needed";  // NOLINT(cert-env33-c)
    }
  }

  WebConfig::Tls files(const std::string& certificate, const std::string& key) const {
    WebConfig::Tls tls;
    tls.cert_file = (directory_ / certificate).string();
    tls.key_file = (directory_ / key).string();
    return tls;
  }

  rcached::testing::TemporaryFolder folder_;
  const std::filesystem::path directory_ = folder_.path();
};

TEST_F(TlsTest, ABuildWithoutTlsRejectsTheConfiguration) {
  const std::string path = (directory_ / "web.yaml").string();
  std::ofstream(path) << "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
  const auto loaded = load_web_config(path);
#ifdef RCACHED_TLS
  EXPECT_TRUE(loaded.has_value());
#else
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::config);
  EXPECT_EQ(loaded.error().message, "tls_server_config: this rcached is built without TLS (" + path + ")");
  EXPECT_NE(loaded.error().hint.find("docs/tls.md"), std::string::npos);
#endif
  std::ofstream(path) << "rate_limit: {interval: 1s, burst: 5}\n";
  EXPECT_TRUE(load_web_config(path).has_value());
}

TEST_F(TlsTest, KeyAndCertificateBecomeOneFile) {
  const auto settings = civetweb_tls_settings(files("server.crt", "server.key"));
  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  const std::string path = "/proc/self/fd/" + std::to_string(settings->pem.get());
  EXPECT_EQ(settings->options.front(), (std::pair<std::string, std::string>("ssl_certificate", path)));
  std::ifstream file(path);
  const std::string pem((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_NE(pem.find("PRIVATE KEY-----"), std::string::npos);
  EXPECT_NE(pem.find("-----BEGIN CERTIFICATE-----"), std::string::npos);
}

TEST_F(TlsTest, MissingAndNonPemFilesAreNamed) {
  const auto missing = civetweb_tls_settings(files("server.crt", "none.key"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("none.key: No such file"), std::string::npos)
      << missing.error().message;
  const auto swapped = civetweb_tls_settings(files("server.key", "server.crt"));
  ASSERT_FALSE(swapped.has_value());
  EXPECT_NE(swapped.error().message.find("server.crt contains no 'PRIVATE KEY-----'"), std::string::npos)
      << swapped.error().message;
  auto no_ca = files("server.crt", "server.key");
  no_ca.client_auth = WebConfig::ClientAuth::required;
  no_ca.client_ca_file = (directory_ / "no.crt").string();
  EXPECT_NE(civetweb_tls_settings(no_ca).error().message.find("no.crt"), std::string::npos);
}

}  // namespace
}  // namespace rcached
