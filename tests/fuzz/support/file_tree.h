// SPDX-License-Identifier: Apache-2.0
// FileTree: a directory tree created from one text, for the readers of sysfs and procfs. No text can make it leave
// its own directory.
//
//   == 4/type                      a file; its contents are the lines up to the next ==
//   DMA-FQ
//   == 4/devices/                  a directory
//   == 4/devices/a -> ../../b      a symbolic link, not absolute, with three ".." at most
#pragma once

#include <filesystem>
#include <string_view>

namespace rcached::fuzz {

class FileTree {
 public:
  // Entries that lead outside, or that the file system rejects, are skipped.
  explicit FileTree(std::string_view text);
  ~FileTree();
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  const std::filesystem::path& root() const { return root_; }

 private:
  void add(std::string_view head, std::string_view contents, bool links);

  std::filesystem::path root_;
};

}  // namespace rcached::fuzz
