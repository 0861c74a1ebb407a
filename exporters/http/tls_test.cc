// SPDX-License-Identifier: Apache-2.0
// The files are made by the openssl command.
#include "exporters/http/tls.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace rcached {
namespace {

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "rcached-tls-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    for (const char* who : {"server", "other"}) {
      const std::string stem = (directory_ / who).string();
      const std::string command =
          "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
          "-subj /CN=localhost -keyout " +
          stem + ".key -out " + stem + ".crt 2>/dev/null";
      EXPECT_EQ(std::system(command.c_str()), 0) << "openssl is needed";  // NOLINT(cert-env33-c)
    }
  }
  ~TlsTest() override { std::filesystem::remove_all(directory_); }

  WebConfig::Tls files(const std::string& certificate, const std::string& key) const {
    WebConfig::Tls tls;
    tls.cert_file = (directory_ / certificate).string();
    tls.key_file = (directory_ / key).string();
    return tls;
  }

  std::filesystem::path directory_;
};

TEST_F(TlsTest, TheProbeEndsInOneAnswerWhateverCivetWebDoes) {
  const auto probed = probe_tls(files("server.crt", "server.key"), "web.yaml");
  if (probed) return;  // this CivetWeb can do TLS
  EXPECT_EQ(probed.error().code, ErrorCode::config);
  EXPECT_NE(probed.error().message.find("CivetWeb"), std::string::npos);
  EXPECT_NE(probed.error().message.find("(web.yaml)"), std::string::npos);
  EXPECT_NE(probed.error().hint.find("docs/tls.md"), std::string::npos);
  RecordProperty("message", probed.error().message);
}

TEST_F(TlsTest, FilesThatAreNotThereOrNotPemAreNamed) {
  const auto missing = probe_tls(files("server.crt", "none.key"), "web.yaml");
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("none.key: No such file"), std::string::npos)
      << missing.error().message;
  const auto swapped = probe_tls(files("server.key", "server.crt"), "web.yaml");
  ASSERT_FALSE(swapped.has_value());
  EXPECT_NE(swapped.error().message.find("server.crt holds no 'PRIVATE KEY-----'"), std::string::npos)
      << swapped.error().message;
  auto no_ca = files("server.crt", "server.key");
  no_ca.client_auth = WebConfig::ClientAuth::required;
  no_ca.client_ca_file = (directory_ / "no.crt").string();
  EXPECT_NE(probe_tls(no_ca, "web.yaml").error().message.find("no.crt"), std::string::npos);
}

TEST_F(TlsTest, AKeyThatDoesNotFitIsRefused) {
  const auto probed = probe_tls(files("server.crt", "other.key"), "web.yaml");
  ASSERT_FALSE(probed.has_value());
  EXPECT_NE(probed.error().message.find("CivetWeb cannot set up TLS"), std::string::npos)
      << probed.error().message;
}

TEST_F(TlsTest, AFileWithoutTlsNeedsNoProbe) {
  const std::string path = (directory_ / "web.yaml").string();
  std::ofstream(path) << "rate_limit: {interval: 1s, burst: 5}\n";
  EXPECT_EQ(probe_tls_of(path).value_or(true), false);
  std::ofstream(path) << "tls_server_config: {cert_file: none.crt, key_file: none.key}\n";
  EXPECT_FALSE(probe_tls_of(path).has_value());
}

}  // namespace
}  // namespace rcached
