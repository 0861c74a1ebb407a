// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/effective_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace rcached {
namespace {

class EffectiveConfig : public testing::Test {
 protected:
  EffectiveConfig() {
    char name[] = "/tmp/rcached-etc-XXXXXX";
    directory_ = mkdtemp(name);
    file_ = directory_ + "/rcached.yaml";
  }
  ~EffectiveConfig() override { std::filesystem::remove_all(directory_); }

  std::string directory_, file_;
};

TEST_F(EffectiveConfig, DefaultsWhereThereIsNoFile) {
  const auto found = find_config(std::nullopt, file_);
  EXPECT_EQ(found.origin, "built-in defaults (there is no " + file_ + ")");
  EXPECT_EQ(found.config, Config{});
}

TEST_F(EffectiveConfig, TheDefaultFileWhereThereIsOne) {
  std::ofstream(file_) << "source: synthetic\n";
  const auto found = find_config(std::nullopt, file_);
  EXPECT_EQ(found.origin, file_);
  ASSERT_TRUE(found.config);
  EXPECT_EQ(found.config->source, SourceKind::synthetic);
}

TEST_F(EffectiveConfig, ADanglingLinkIsNoReasonForTheDefaults) {
  std::filesystem::create_symlink(directory_ + "/gone", file_);
  EXPECT_FALSE(find_config(std::nullopt, file_).config);
}

TEST_F(EffectiveConfig, TheFileThatWasAskedForMustExist) {
  std::ofstream(file_) << "";
  const auto found = find_config(directory_ + "/none.yaml", file_);
  ASSERT_FALSE(found.config);
  EXPECT_EQ(found.config.error().code, ErrorCode::config);
  EXPECT_FALSE(find_config("", file_).config);
}

}  // namespace
}  // namespace rcached
