// SPDX-License-Identifier: Apache-2.0
#include "exporters/textfile/prom_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <thread>

namespace rcached {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string whole(const std::string& text) { return std::string(kPromFileHeader) + text; }

class PromFileTest : public ::testing::Test {
 protected:
  PromFileTest() {
    std::string name = (fs::temp_directory_path() / "rcached-prom-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~PromFileTest() override {
    fs::permissions(directory_, fs::perms::owner_all);
    fs::remove_all(directory_);
  }

  PromFile file() const { return PromFile::at(path()).value(); }
  std::string path() const { return (directory_ / "rcached.prom").string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_)) found.insert(entry.path().filename());
    return found;
  }

  // The error names the path and gives a hint.
  template <typename Result>
  void expect_refused(const Result& result, ErrorCode code, const std::string& says) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_NE(result.error().message.find(path()), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
    EXPECT_FALSE(result.error().hint.empty());
  }

  // Runs `body` in a child process, which may change its own limits and user; fails if a check in it fails.
  static void in_child(const std::function<void()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      body();
      std::fflush(stdout);
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }

  fs::path directory_;
};

TEST_F(PromFileTest, WritesAFileThatTheCollectorCanRead) {
  const mode_t mask = ::umask(077);
  EXPECT_TRUE(file().replace({"a 1\n", "b 2\n"}));
  ::umask(mask);
  EXPECT_EQ(read(path()), whole("a 1\nb 2\n"));
  EXPECT_EQ(fs::status(path()).permissions(), fs::perms(0644));
  EXPECT_EQ(names(), std::set<std::string>{"rcached.prom"});
}

TEST_F(PromFileTest, RefusesPathsThatTheCollectorWouldNotRead) {
  for (const char* bad : {"", "rcached.prom", "/var/rcached.txt", "/var/.prom", "/var/rcached.prom/", "/"}) {
    const auto result = PromFile::at(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, ErrorCode::config);
    EXPECT_FALSE(result.error().hint.empty());
  }
  EXPECT_FALSE(PromFile::at(std::string("/a\0b.prom", 9)));
}

TEST_F(PromFileTest, ReplacesItsOwnFileAndRemovesIt) {
  PromFile mine = file();
  ASSERT_TRUE(mine.replace({"a 1\n"}));
  ASSERT_TRUE(mine.replace({"a 2\n"}));
  EXPECT_EQ(read(path()), whole("a 2\n"));
  ASSERT_TRUE(mine.remove());
  EXPECT_TRUE(names().empty());
  EXPECT_TRUE(mine.remove()) << "nothing to do";
  ASSERT_TRUE(mine.replace({"a 3\n"}));
  fs::remove(path());
  EXPECT_TRUE(mine.remove()) << "already removed";
}

TEST_F(PromFileTest, ReplacesTheFileOfAnEarlierRun) {
  ASSERT_TRUE(file().replace({"a 1\n"}));
  ASSERT_TRUE(file().replace({"a 2\n"}));
  EXPECT_EQ(read(path()), whole("a 2\n"));
}

TEST_F(PromFileTest, ClearRemovesTheOldFileAndTemporariesOfThisNameOnly) {
  write("rcached.prom", whole("old 1\n"));
  write(".rcached.prom.tmp-abc123", "half");
  write(".rcached.prom.tmp-abc1234", "not one of its names");
  write(".rcached.prom.tmp-", "not one of its names");
  write(".other.prom.tmp-abc123", "of another");
  write("other.prom", "of another");
  fs::create_directory(directory_ / ".rcached.prom.tmp-folder");
  EXPECT_TRUE(file().clear());
  EXPECT_EQ(names(),
            (std::set<std::string>{".rcached.prom.tmp-abc1234", ".rcached.prom.tmp-",
                                   ".other.prom.tmp-abc123", "other.prom", ".rcached.prom.tmp-folder"}));
}

TEST_F(PromFileTest, ClearLeavesATemporaryThatIsBeingWritten) {
  write(".rcached.prom.tmp-abc123", "half");
  const int fd = ::open((directory_ / ".rcached.prom.tmp-abc123").c_str(), O_RDONLY);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  EXPECT_TRUE(file().clear());
  EXPECT_EQ(names(), std::set<std::string>{".rcached.prom.tmp-abc123"});
  ::close(fd);
  EXPECT_TRUE(file().clear());
  EXPECT_TRUE(names().empty());
}

TEST_F(PromFileTest, LeavesForeignFilesUnchanged) {
  write("rcached.prom", "apt_upgrades_pending 3\n");
  expect_refused(file().replace({"a 1\n"}), ErrorCode::foreign_file, "not written by rcached");
  expect_refused(file().clear(), ErrorCode::foreign_file, "not written by rcached");
  EXPECT_EQ(read(path()), "apt_upgrades_pending 3\n");
  fs::remove(path());

  write("elsewhere", whole("a 1\n"));
  fs::create_symlink("elsewhere", path());
  expect_refused(file().replace({"a 1\n"}), ErrorCode::foreign_file, "not written by rcached");
  EXPECT_TRUE(fs::is_symlink(path()));
  fs::remove(path());

  fs::create_directory(path());
  expect_refused(file().replace({"a 1\n"}), ErrorCode::foreign_file, "not written by rcached");
  fs::remove(path());

  ASSERT_EQ(::mkfifo(path().c_str(), 0644), 0);
  expect_refused(file().replace({"a 1\n"}), ErrorCode::foreign_file, "not written by rcached");
  EXPECT_EQ(names(), (std::set<std::string>{"elsewhere", "rcached.prom"}));
}

TEST_F(PromFileTest, TwoWritersOfOneFileDoNotAlternate) {
  PromFile first = file(), second = file();
  ASSERT_TRUE(first.replace({"first 1\n"}));
  ASSERT_TRUE(second.replace({"second 1\n"}));
  expect_refused(first.replace({"first 2\n"}), ErrorCode::foreign_file, "another rcached");
  expect_refused(first.remove(), ErrorCode::foreign_file, "another rcached");
  EXPECT_EQ(read(path()), whole("second 1\n"));
  EXPECT_TRUE(second.replace({"second 2\n"}));
  EXPECT_TRUE(second.remove());
  EXPECT_TRUE(first.replace({"first 3\n"})) << "the path is free again";
}

TEST_F(PromFileTest, AnEmptyFileIsReplaced) {  // other programs can leave one after a power failure
  write("rcached.prom", "");
  EXPECT_TRUE(file().replace({"a 1\n"}));
}

TEST_F(PromFileTest, ReportsAMissingDirectory) {
  auto lost = PromFile::at((directory_ / "gone" / "rcached.prom").string()).value();
  for (const auto& result : {lost.replace({"a 1\n"}), lost.clear()}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
    EXPECT_NE(result.error().hint.find((directory_ / "gone").string()), std::string::npos)
        << result.error().hint;
  }
  write("file", "");
  const auto under_a_file = PromFile::at((directory_ / "file" / "rcached.prom").string()).value().replace({});
  ASSERT_FALSE(under_a_file);
  EXPECT_EQ(under_a_file.error().code, ErrorCode::not_found);
}

TEST_F(PromFileTest, ReportsMissingPermission) {
  fs::permissions(directory_, fs::perms(0555));
  in_child([this] {
    if (::geteuid() == 0) {
      ASSERT_EQ(::seteuid(65534), 0);
    }
    expect_refused(file().replace({"a 1\n"}), ErrorCode::permission, "denied");
  });
  EXPECT_TRUE(names().empty());
}

TEST_F(PromFileTest, AFileSizeLimitLeavesTheOldFileIntact) {
  ASSERT_TRUE(file().replace({"old 1\n"}));
  in_child([this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const std::string large(10'000, 'x');
    expect_refused(file().replace({large}), ErrorCode::no_space, "too large");
    EXPECT_EQ(read(path()), whole("old 1\n"));
    EXPECT_EQ(names(), std::set<std::string>{"rcached.prom"}) << "the incomplete file is removed";
    EXPECT_TRUE(file().replace({"new 1\n"})) << "what fits is written";
  });
  EXPECT_EQ(read(path()), whole("new 1\n"));
}

// A file system of 64 KiB, reachable only through its descriptor and released with it. It is not mounted on a
// directory, because in a chroot the mount could not be hidden from other processes.
int small_disk() {
  const int context = ::fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0 || ::fsconfig(context, FSCONFIG_SET_STRING, "size", "64k", 0) != 0 ||
      ::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return -1;
  }
  return ::fsmount(context, FSMOUNT_CLOEXEC, 0);
}

TEST_F(PromFileTest, AFullDiskLeavesTheOldFileIntact) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a small file system; AFileSizeLimit... does not";
  in_child([this] {
    const int disk = small_disk();
    ASSERT_GE(disk, 0) << std::system_category().message(errno);
    directory_ = "/proc/self/fd/" + std::to_string(disk);
    PromFile mine = file();
    ASSERT_TRUE(mine.replace({"old 1\n"}));
    const std::string large(100'000, 'x');
    expect_refused(mine.replace({large}), ErrorCode::no_space, "No space left");
    EXPECT_EQ(read(path()), whole("old 1\n"));
    EXPECT_EQ(names(), std::set<std::string>{"rcached.prom"});
    EXPECT_TRUE(mine.replace({"new 1\n"})) << "space is available again";

    mount_attr read_only{};
    read_only.attr_set = MOUNT_ATTR_RDONLY;
    ASSERT_EQ(::mount_setattr(disk, "", AT_EMPTY_PATH, &read_only, sizeof read_only), 0);
    expect_refused(mine.replace({"newer 1\n"}), ErrorCode::permission, "Read-only");
    expect_refused(mine.remove(), ErrorCode::permission, "Read-only");
    EXPECT_EQ(read(path()), whole("new 1\n"));
  });
}

// rename(2) is atomic: every open of the path gets one complete file.
TEST_F(PromFileTest, ReadersSeeOnlyCompleteFiles) {
  constexpr int kMinReads = 500;
  std::atomic<int> reads = 0;
  std::atomic<bool> half = false, done = false;
  PromFile mine = file();
  const auto content = [](int number) {
    const std::string name = std::to_string(number);
    std::string text = "begin " + name + "\n";
    for (int i = 0; i < 2000 + number % 7 * 500; ++i) text += "series " + name + "\n";
    return text + "end " + name + "\n";
  };
  ASSERT_TRUE(mine.replace({content(0)}));
  std::thread reader([&] {
    while (!done) {
      const std::string text = read(path());
      const auto begin = text.find("begin ");
      const auto end = text.rfind("end ");
      if (begin != kPromFileHeader.size() || end == std::string::npos || text.back() != '\n' ||
          text.substr(begin, text.find('\n', begin) - begin).substr(6) !=
              text.substr(end + 4, text.size() - end - 5)) {
        half = true;
      }
      ++reads;
    }
  });
  int number = 0;
  while (!half && (reads < kMinReads || number < 100)) {
    ++number;
    if (!mine.replace({content(number)})) break;
  }
  done = true;
  reader.join();
  EXPECT_FALSE(half);
  EXPECT_GE(reads, kMinReads);
  EXPECT_EQ(read(path()), whole(content(number)));
}

}  // namespace
}  // namespace rcached
