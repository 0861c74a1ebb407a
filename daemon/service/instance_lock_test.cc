// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/instance_lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/kit/temporary_folder.h"

namespace rcached {
namespace {

class InstanceLockTest : public ::testing::Test {
 protected:
  rcached::testing::TemporaryFolder folder_;
  const std::string directory_ = folder_.path().string();
};

TEST_F(InstanceLockTest, TheErrorNamesTheOwner) {
  const auto first = InstanceLock::acquire(directory_);
  ASSERT_TRUE(first);
  const auto second = InstanceLock::acquire(directory_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::second_instance);
  EXPECT_EQ(second.error().message, "another rcached is tracing this kernel, pid " +
                                        std::to_string(getpid()) + " (" + directory_ + "/rcached.lock)");
  EXPECT_EQ(second.error().hint, "stop it first, or use --source synthetic");
}

TEST_F(InstanceLockTest, IsReleasedWhenTheOwnerIsGone) {
  { ASSERT_TRUE(InstanceLock::acquire(directory_)); }
  EXPECT_TRUE(InstanceLock::acquire(directory_));
}

TEST_F(InstanceLockTest, AStaleFileDoesNotBlock) {
  std::ofstream(directory_ + "/rcached.lock") << "4194304 and garbage\n";
  const auto lock = InstanceLock::acquire(directory_);
  ASSERT_TRUE(lock);
  std::ifstream file(directory_ + "/rcached.lock");
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, std::to_string(getpid()));
}

TEST_F(InstanceLockTest, OtherUsersCannotOpenTheFile) {
  const std::string path = directory_ + "/rcached.lock";
  const auto mode = [&] {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  };
  const mode_t mask = umask(0);
  { EXPECT_TRUE(InstanceLock::acquire(directory_)); }
  umask(mask);
  EXPECT_EQ(mode(), 0600u);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);  // as created by an earlier version
  EXPECT_TRUE(InstanceLock::acquire(directory_));
  EXPECT_EQ(mode(), 0600u);
}

TEST_F(InstanceLockTest, CreatesTheDirectory) {
  EXPECT_TRUE(InstanceLock::acquire(directory_ + "/a/b"));
  EXPECT_TRUE(std::filesystem::is_directory(directory_ + "/a/b"));
}

TEST_F(InstanceLockTest, AFileInsteadOfTheDirectoryIsAnError) {
  std::ofstream(directory_ + "/file") << "";
  const auto lock = InstanceLock::acquire(directory_ + "/file/run");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, ErrorCode::internal);
  EXPECT_EQ(lock.error().message,
            "cannot create the run directory: Not a directory (" + directory_ + "/file/run)");
}

TEST_F(InstanceLockTest, ASymlinkIsNotFollowed) {
  std::filesystem::create_symlink("/etc/passwd", directory_ + "/rcached.lock");
  const auto lock = InstanceLock::acquire(directory_);
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().message,
            "cannot open the lock file: Too many levels of symbolic links (" + directory_ + "/rcached.lock)");
}

}  // namespace
}  // namespace rcached
