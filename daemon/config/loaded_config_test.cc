// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/loaded_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace rcached {
namespace {

using std::chrono::milliseconds;

template <typename Value>
std::string refusal(const Expected<Value>& result) {
  if (result) return "accepted";
  EXPECT_EQ(result.error().code, ErrorCode::config);
  return result.error().message + "; " + result.error().hint;
}

// A main file and its drop-ins in a temporary directory.
class LoadedConfigTest : public testing::Test {
 protected:
  LoadedConfigTest() {
    char name[] = "/tmp/rcached-config-XXXXXX";
    directory_ = mkdtemp(name);
    main_ = directory_ + "/rcached.yaml";
  }
  ~LoadedConfigTest() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + "/" + name) << text;
    return directory_ + "/" + name;
  }
  std::string drop_in(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(directory_ + "/rcached.d");
    return write("rcached.d/" + name, text);
  }
  Expected<LoadedConfig> load(std::vector<std::pair<std::string, std::string>> overrides = {}) const {
    return load_config({main_, std::move(overrides)});
  }
  Expected<LoadedConfig> load_default() const { return load_config({std::nullopt, {}, main_}); }
  static std::string origin(const LoadedConfig& loaded, std::string_view path) {
    return loaded.origins[*find_config_key(path)].text();
  }

  std::string directory_, main_;
};

// --- the main file

TEST_F(LoadedConfigTest, UsesDefaultsWithoutAFile) {
  const auto loaded = load_default();
  ASSERT_TRUE(loaded) << refusal(loaded);
  EXPECT_EQ(loaded->summary(), "built-in defaults (there is no " + main_ + ")");
  EXPECT_EQ(loaded->config, Config{});
  EXPECT_EQ(origin(*loaded, "source"), "default");
}

TEST_F(LoadedConfigTest, ReadsTheDefaultFileIfItExists) {
  write("rcached.yaml", "\nsource: synthetic\n");
  const auto loaded = load_default();
  ASSERT_TRUE(loaded) << refusal(loaded);
  EXPECT_EQ(loaded->summary(), main_);
  EXPECT_EQ(loaded->config.source, SourceKind::synthetic);
  EXPECT_EQ(origin(*loaded, "source"), main_ + ":2");
}

TEST_F(LoadedConfigTest, ADanglingLinkIsAnError) {
  std::filesystem::create_symlink(directory_ + "/gone", main_);
  EXPECT_FALSE(load_default());
}

TEST_F(LoadedConfigTest, ARequestedFileMustExist) {
  EXPECT_EQ(refusal(load()), "cannot read the configuration: No such file or directory (" + main_ +
                                 "); create the file, or remove what refers to it (--config, or a link)");
  EXPECT_FALSE(load_config({""}));
}

TEST_F(LoadedConfigTest, AnEmptyFileIsTheDefaults) {
  write("rcached.yaml", "");
  ASSERT_TRUE(load());
  EXPECT_EQ(load()->config, Config{});
}

TEST_F(LoadedConfigTest, ADirectoryIsAnError) {
  std::filesystem::create_directory(main_);
  EXPECT_EQ(refusal(load()), "cannot read the configuration: Is a directory (" + main_ + "); check the path");
}

TEST_F(LoadedConfigTest, AFifoIsRefusedWithoutWaiting) {
  ASSERT_EQ(mkfifo(main_.c_str(), 0600), 0);
  EXPECT_EQ(refusal(load()), "the configuration is not a regular file (" + main_ + "); use a regular file");
}

TEST_F(LoadedConfigTest, AHugeFileIsRefused) {
  write("rcached.yaml", std::string((1u << 20) + 1, '#'));
  EXPECT_EQ(refusal(load()), "the configuration is larger than 1MiB (" + main_ + "); check the path");
  write("rcached.yaml", std::string(1u << 20, '#'));
  EXPECT_TRUE(load());
}

// --- drop-ins

TEST(DropInDirectory, IsBesideTheMainFile) {
  EXPECT_EQ(drop_in_directory("/etc/rcached/rcached.yaml"), "/etc/rcached/rcached.d");
  EXPECT_EQ(drop_in_directory("a.yaml"), "a.d");
  EXPECT_EQ(drop_in_directory("/etc/rcached.conf"), "/etc/rcached.conf.d");
}

TEST_F(LoadedConfigTest, LaterFilesOverrideSingleKeys) {
  write("rcached.yaml", "http:\n  threads: 2\n  streams: 2\n  rate: 2\n");
  const auto b = drop_in("20-b.yaml", "http: {threads: 4}\nlog: {level: debug}\n");
  const auto a = drop_in("10-a.yaml", "http:\n  threads: 3\n  streams: 3\n");
  const auto upper = drop_in("Z.yaml", "");
  const auto loaded = load({{"log.level", "error"}});
  ASSERT_TRUE(loaded) << refusal(loaded);
  EXPECT_EQ(loaded->config.http.threads, 4u);
  EXPECT_EQ(loaded->config.http.streams, 3u);
  EXPECT_EQ(loaded->config.http.rate, 2u);
  EXPECT_EQ(loaded->config.log.level, LogLevel::error);
  EXPECT_EQ(origin(*loaded, "http.threads"), b + ":1");
  EXPECT_EQ(origin(*loaded, "http.streams"), a + ":3");
  EXPECT_EQ(origin(*loaded, "http.rate"), main_ + ":4");
  EXPECT_EQ(origin(*loaded, "log.level"), "command line");
  EXPECT_EQ(origin(*loaded, "http.listen"), "default");
  EXPECT_EQ(loaded->files, (std::vector<std::string>{main_, a, b, upper}));
  EXPECT_EQ(loaded->summary(), main_ + ", " + a + ", " + b + ", " + upper);
}

TEST_F(LoadedConfigTest, OtherAndHiddenFilesAreNotRead) {
  write("rcached.yaml", "");
  for (const char* name : {".hidden.yaml", "a.yml", "a.yaml.dpkg-old", "a.yaml~", "yaml"}) {
    drop_in(name, "nonsense: [");
  }
  const auto loaded = load();
  ASSERT_TRUE(loaded) << refusal(loaded);
  EXPECT_EQ(loaded->files, std::vector<std::string>{main_});
}

TEST_F(LoadedConfigTest, DropInsNeedNoMainFileAtTheDefaultPath) {
  const auto path = drop_in("a.yaml", "http: {threads: 3}\n");
  const auto loaded = load_default();
  ASSERT_TRUE(loaded) << refusal(loaded);
  EXPECT_EQ(loaded->config.http.threads, 3u);
  EXPECT_EQ(loaded->summary(), path);
}

TEST_F(LoadedConfigTest, ErrorsNameTheDropIn) {
  write("rcached.yaml", "http: {threads: 2}\n");
  const auto path = drop_in("a.yaml", "http:\n  thraeds: 3\n");
  EXPECT_EQ(refusal(load()), "unknown key 'http.thraeds' (" + path + ":2:3); did you mean 'http.threads'?");
}

TEST_F(LoadedConfigTest, ADropInThatIsNoFileIsAnError) {
  write("rcached.yaml", "");
  std::filesystem::create_directories(directory_ + "/rcached.d/a.yaml");
  EXPECT_EQ(refusal(load()), "cannot read the configuration: Is a directory (" + directory_ +
                                 "/rcached.d/a.yaml); check the path");
}

TEST_F(LoadedConfigTest, AnUnusableDropInDirectoryIsAnError) {
  write("rcached.yaml", "");
  write("rcached.d", "");
  EXPECT_EQ(refusal(load()), "cannot list the drop-ins of the configuration: Not a directory (" + directory_ +
                                 "/rcached.d); make it a directory, or remove it");
  std::filesystem::remove(directory_ + "/rcached.d");
  std::filesystem::create_symlink(directory_ + "/gone", directory_ + "/rcached.d");
  EXPECT_NE(refusal(load()), "accepted") << "a dangling link";
}

TEST_F(LoadedConfigTest, UnreadableFilesAndDirectoriesAreErrors) {
  if (geteuid() == 0) {  // root can read everything: run this test as another user
    ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
    ASSERT_EQ(seteuid(65534), 0);
  }
  struct Restore {
    ~Restore() { EXPECT_EQ(seteuid(getuid()), 0); }
  } restore;
  const auto with_root = [](auto action) {
    const uid_t user = geteuid();
    EXPECT_EQ(seteuid(getuid()), 0);
    action();
    EXPECT_EQ(seteuid(user), 0);
  };
  with_root([&] {
    write("rcached.yaml", "");
    const auto path = drop_in("a.yaml", "");
    EXPECT_EQ(chmod(main_.c_str(), 0644), 0);
    EXPECT_EQ(chmod((directory_ + "/rcached.d").c_str(), 0755), 0);
    EXPECT_EQ(chmod(path.c_str(), 0), 0);
  });
  EXPECT_EQ(refusal(load()), "cannot read the configuration: Permission denied (" + directory_ +
                                 "/rcached.d/a.yaml); make the file readable for the user that runs rcached");
  with_root([&] { EXPECT_EQ(chmod((directory_ + "/rcached.d").c_str(), 0), 0); });
  EXPECT_EQ(refusal(load()), "cannot list the drop-ins of the configuration: Permission denied (" +
                                 directory_ +
                                 "/rcached.d); make the directory readable for the user that runs rcached");
  with_root([&] { EXPECT_EQ(chmod((directory_ + "/rcached.d").c_str(), 0700), 0); });
}

// --- the rule over two keys

TEST_F(LoadedConfigTest, LongDrainsRequireLongSnapshotsInEachFile) {
  const std::string hint = "write a snapshot interval of at least 1s, or a drain interval of at most 100ms";
  write("rcached.yaml", "pipeline:\n  drain_interval: 101ms\n  snapshot_interval: 999ms\n");
  drop_in("a.yaml",
          "pipeline: {snapshot_interval: 1s}\n");  // does not help: each file must be valid by itself
  EXPECT_EQ(refusal(load()), "'pipeline.snapshot_interval' is 999ms (" + main_ +
                                 ":3:22), too short for the 'pipeline.drain_interval' of 101ms (" + main_ +
                                 ":2:19); " + hint);
  for (const char* good : {"drain_interval: 100ms, snapshot_interval: 100ms", "drain_interval: 1s",
                           "drain_interval: 101ms, snapshot_interval: 1s", "snapshot_interval: 100ms"}) {
    write("rcached.yaml", std::string("pipeline: {") + good + "}\n");
    EXPECT_EQ(refusal(load()), "accepted") << good;
  }
}

TEST_F(LoadedConfigTest, LongDrainsRequireLongSnapshotsOverAllFiles) {
  write("rcached.yaml", "pipeline:\n  drain_interval: 1s\n");
  const auto path = drop_in("a.yaml", "pipeline: {snapshot_interval: 200ms}\n");
  EXPECT_EQ(refusal(load()).substr(0, refusal(load()).find(';')),
            "'pipeline.snapshot_interval' is 200ms (" + path +
                ":1:31), too short for the 'pipeline.drain_interval' of 1s (" + main_ + ":2:19)");
}

// --- loading again, and what may change

TEST_F(LoadedConfigTest, IsReadAgainEachTime) {
  write("rcached.yaml", "log: {level: info}\n");
  const auto before = load({{"http.listen", "127.0.0.1:1"}});
  write("rcached.yaml", "log: {level: debug}\n");
  const auto after = load({{"http.listen", "127.0.0.1:1"}});
  ASSERT_TRUE(before && after);
  const auto changes = changed_keys(before->config, after->config);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].key->path, "log.level");
  EXPECT_EQ(changes[0].before, "info");
  EXPECT_EQ(changes[0].after, "debug");
  EXPECT_TRUE(changes[0].reloadable());
}

TEST_F(LoadedConfigTest, AnInvalidOverrideIsAUsageError) {
  write("rcached.yaml", "");
  for (const auto& [key, text] :
       std::vector<std::pair<std::string, std::string>>{{"http.threads", "0"}, {"http.nothing", "1"}}) {
    const auto loaded = load({{key, text}});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::usage);
  }
}

TEST(ChangedKeys, FindsEveryKey) {
  // A text for each key that is not its default.
  const auto other = [](const ConfigKey& key) {
    Config config;
    for (const char* text : {"true", "false", "7", "101", "2s", "20ms", "128KiB", "0.0.0.0:1", "/x.prom",
                             "synthetic", "kprobe", "bounded-128", "leak", "debug"}) {
      if (key.set(config, text) && key.get(config) != key.get(Config{})) return config;
    }
    return Config{};
  };
  EXPECT_TRUE(changed_keys(Config{}, Config{}).empty());
  for (const ConfigKey& key : config_keys()) {
    const auto changes = changed_keys(Config{}, other(key));
    ASSERT_EQ(changes.size(), 1u) << key.path;
    EXPECT_EQ(changes[0].key, &key);
    EXPECT_EQ(changes[0].before, key.get(Config{}));
    EXPECT_NE(changes[0].after, changes[0].before);
  }
}

TEST(ChangedKeys, ReloadableKeysAreReadAtEachUse) {
  std::vector<std::string_view> reloadable;
  for (const ConfigKey& key : config_keys()) {
    if (key.reloadable) reloadable.push_back(key.path);
  }
  EXPECT_EQ(reloadable, (std::vector<std::string_view>{"audit.interval", "audit.budget", "metrics.per_cpu",
                                                       "metrics.per_magazine", "metrics.series_limit",
                                                       "textfile.interval", "log.level"}));
}

}  // namespace
}  // namespace rcached
