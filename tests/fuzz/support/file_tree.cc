// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/support/file_tree.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

namespace rcached::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHead = "== ";
constexpr std::string_view kArrow = " -> ";
constexpr std::ptrdiff_t kMaxUp = 3;
// More than the number of successive links that any reader follows, times kMaxUp.
constexpr int kDepth = 24;

// One base directory for the whole run, in /dev/shm if possible, removed at the end of the process.
class Base {
 public:
  Base() {
    const fs::path memory = "/dev/shm";
    const fs::path parent = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    std::string name = (parent / "rcached-fuzz-XXXXXX").string();
    top_ = ::mkdtemp(name.data());
    deep_ = top_;
    for (int i = 0; i < kDepth; ++i) deep_ /= "d";
    fs::create_directories(deep_);
  }
  ~Base() {
    std::error_code ignored;
    fs::remove_all(top_, ignored);
  }
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;

  const fs::path& deep() const { return deep_; }

 private:
  fs::path top_, deep_;
};

bool is_safe(const fs::path& path, std::ptrdiff_t ups) {
  return !path.empty() && path.is_relative() && std::distance(path.begin(), path.end()) <= 8 &&
         std::count(path.begin(), path.end(), fs::path("..")) <= ups &&
         path.native().find('\0') == std::string::npos;
}

}  // namespace

FileTree::FileTree(std::string_view text) {
  static const Base base;
  root_ = base.deep() / "root";
  fs::create_directory(root_);
  // Links last, so that no file is created through one.
  for (const bool links : {false, true}) {
    int entries = 0;
    std::size_t at = text.starts_with(kHead) ? 0 : text.find("\n== ");
    while (at < text.size() && ++entries <= 64) {
      if (text[at] == '\n') ++at;
      const std::size_t end = std::min(text.find("\n== ", at), text.size());
      const std::string_view entry = text.substr(at + kHead.size(), end - std::min(end, at + kHead.size()));
      const std::size_t head_end = std::min(entry.find('\n'), entry.size());
      add(entry.substr(0, head_end), entry.substr(std::min(head_end + 1, entry.size())), links);
      at = end;
    }
  }
}

FileTree::~FileTree() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void FileTree::add(std::string_view head, std::string_view contents, bool links) {
  const std::size_t arrow = head.find(kArrow);
  if ((arrow != std::string_view::npos) != links) return;
  const fs::path path(head.substr(0, arrow));
  if (!is_safe(path, 0)) return;
  std::error_code error;
  if (links) {
    const fs::path target(head.substr(arrow + kArrow.size()));
    // The parents must be real directories, not links created before this one.
    if (!is_safe(target, kMaxUp) || !fs::is_directory(fs::symlink_status(root_ / path.parent_path(), error)))
      return;
    for (fs::path up = path.parent_path(); !up.empty(); up = up.parent_path()) {
      if (fs::is_symlink(root_ / up, error)) return;
    }
    fs::create_symlink(target, root_ / path, error);
  } else if (path.filename().empty()) {
    fs::create_directories(root_ / path, error);
  } else {
    fs::create_directories(root_ / path.parent_path(), error);
    std::ofstream(root_ / path) << contents << '\n';
  }
}

}  // namespace rcached::fuzz
