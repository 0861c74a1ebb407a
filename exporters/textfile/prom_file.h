// SPDX-License-Identifier: Apache-2.0
// PromFile: the file in node_exporter's textfile directory. It is only ever replaced whole: a reader sees the
// file of before or the new one, also when the disk is full, the power fails or rcached is killed.
//
// A new file is written beside the old one under a name that the collector does not look at (it takes what
// ends in .prom), synced, given mode 0644 whatever the umask, and renamed over it. What this process did not
// write is not touched: a file that does not begin with kPromFileHeader, and one that another rcached has put
// in the place of its own.
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

// First line of every file, by which rcached knows its own. A comment in the Prometheus text format.
inline constexpr std::string_view kPromFileHeader =
    "# Written by rcached for the textfile collector of node_exporter.\n";

class PromFile {
 public:
  // Looks at the path only. Errors: config (the path is not absolute, or does not end in .prom).
  static Expected<PromFile> at(const std::string& path);

  // Removes what an earlier rcached that was killed has left: its file, whose numbers are no longer true, and
  // its temporaries, but for those that another process writes just now. Errors: no_directory, denied,
  // not_ours, io; what could be removed is removed.
  Expected<void> clear();

  // Puts a file of kPromFileHeader and `pieces` in place. After an error nothing has changed. Errors: all but
  // bad_path.
  Expected<void> replace(const std::vector<std::string_view>& pieces);

  // Removes the file if this object has written it; no error when it is gone already. Errors: denied,
  // not_ours, io.
  Expected<void> remove();

  const std::string& path() const { return path_; }

 private:
  // Names one content of one file: inodes are used again, so the time of the last change belongs to it.
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
  std::string temporary_prefix_;  // full path, without what makes it unique
  std::optional<Identity> written_;
};

}  // namespace rcached
