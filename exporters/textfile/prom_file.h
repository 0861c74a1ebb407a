// SPDX-License-Identifier: Apache-2.0
// PromFile: the file in node_exporter's textfile directory. It is replaced atomically: a reader sees the old
// or the new file, also when the disk is full, the power fails or rcached is killed.
//
// A new file is written next to the old one under a name that the collector ignores (it reads *.prom only),
// synced, given mode 0644 regardless of the umask, and renamed over it. Files of other processes are not
// touched: a file that does not begin with kPromFileHeader, and one with which another rcached has replaced
// the file of this process.
//
// One thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rcached {

// First line of every file, which identifies it as rcached's. A comment in the Prometheus text format.
inline constexpr std::string_view kPromFileHeader =
    "# Written by rcached for the textfile collector of node_exporter.\n";

class PromFile {
 public:
  // Checks the path only. Errors: config (the path is not absolute, or does not end in .prom).
  static Expected<PromFile> at(const std::string& path);

  // Removes the leftovers of a killed rcached: its outdated file, and its temporary files except those that
  // another process is writing. Errors: not_found, permission, foreign_file, io; what could be removed is
  // removed.
  Expected<void> clear();

  // Replaces the file by kPromFileHeader and `pieces`. After an error nothing has changed. Errors: not_found,
  // permission, foreign_file, no_space, io.
  Expected<void> replace(const std::vector<std::string_view>& pieces);

  // Removes the file if this object has written it; no error if it no longer exists. Errors: permission,
  // foreign_file, io.
  Expected<void> remove();

  const std::string& path() const { return path_; }

 private:
  // Identifies one version of one file. Inodes are reused, so it includes the modification time.
  struct Identity {
    dev_t device;
    ino_t inode;
    timespec changed;
  };

  PromFile(std::string path, std::string directory, std::string temporary_prefix);
  tl::unexpected<Error> failed(const char* doing, int error) const;
  Expected<void> check_place() const;
  bool is_mine(const struct stat& info) const;
  bool remove_if_abandoned(const std::filesystem::path& temporary) const;

  std::string path_;
  std::string directory_;
  std::string temporary_prefix_;  // full path, without the unique suffix
  std::optional<Identity> written_;
};

}  // namespace rcached
