// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/text.h"
#include "base/unique_fd.h"

namespace rcached {
namespace {

constexpr std::size_t kLargestFile = 1u << 20;
constexpr std::string_view kSuffix = ".yaml";

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  const std::string message =
      fmt::format("cannot read the configuration: {} ({})", std::strerror(error), printable_path(path));
  if (error == ENOENT || error == ENOTDIR)
    return fail(ErrorCode::config, message,
                "create the file, or leave out what points to it (--config, or a link)");
  if (error == EACCES || error == EPERM)
    return fail(ErrorCode::config, message, "make the file readable for the user that runs rcached");
  return fail(ErrorCode::config, message, "check the path");
}

tl::unexpected<Error> unlistable(const std::string& directory, int error) {
  const bool denied = error == EACCES || error == EPERM;
  return fail(ErrorCode::config,
              fmt::format("cannot list the drop-ins of the configuration: {} ({})", std::strerror(error),
                          printable_path(directory)),
              denied ? "make the directory readable for the user that runs rcached"
                     : "make it a directory, or remove it");
}

}  // namespace

bool config_file_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::not_found;
}

Expected<std::string> read_config_file(const std::string& path) {
  // O_NONBLOCK: a FIFO given by mistake must not hang the start.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || fstat(file.get(), &info) != 0) return unreadable(path, errno);
  if (S_ISDIR(info.st_mode)) return unreadable(path, EISDIR);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::config,
                fmt::format("the configuration is not a regular file ({})", printable_path(path)),
                "give a regular file");
  }
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) {
      return fail(ErrorCode::config,
                  fmt::format("the configuration is larger than 1MiB ({})", printable_path(path)),
                  "give the right file");
    }
  }
}

std::string drop_in_directory(const std::string& main_file) {
  const std::string_view stem = main_file;
  return std::string(stem.ends_with(kSuffix) ? stem.substr(0, stem.size() - kSuffix.size()) : stem) + ".d";
}

Expected<std::vector<std::string>> list_drop_ins(const std::string& main_file) {
  const std::string directory = drop_in_directory(main_file);
  const std::unique_ptr<DIR, int (*)(DIR*)> open_directory(opendir(directory.c_str()), closedir);
  if (open_directory == nullptr) {
    if ((errno == ENOENT || errno == ENOTDIR) && !config_file_exists(directory))
      return std::vector<std::string>();
    return unlistable(directory, errno);
  }
  std::vector<std::string> paths;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(open_directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name.ends_with(kSuffix) && !name.starts_with('.'))
      paths.push_back(fmt::format("{}/{}", directory, name));
  }
  if (errno != 0) return unlistable(directory, errno);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string printable_path(const std::string& path) { return printable(path, PATH_MAX); }

}  // namespace rcached
