// SPDX-License-Identifier: Apache-2.0
#include "exporters/textfile/prom_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace rcached {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".prom";
constexpr std::string_view kUnique = "XXXXXX";  // of mkostemp(3)

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::permission;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::no_space;
    default:
      return ErrorCode::io;
  }
}

std::string hint_for(int error, const std::string& directory) {
  switch (code_of(error)) {
    case ErrorCode::not_found:
      return fmt::format(
          "create the directory {}, or set textfile.path to a file in the directory that node_exporter reads "
          "(--collector.textfile.directory)",
          directory);
    case ErrorCode::permission:
      if (error == EROFS) {
        return fmt::format(
            "make {} writable for rcached: with ReadWritePaths= under systemd, otherwise by mounting it "
            "read-write",
            directory);
      }
      return fmt::format("allow the user that runs rcached to create and rename files in {}", directory);
    case ErrorCode::no_space:
      if (error == EFBIG) return "raise the file size limit (ulimit -f, LimitFSIZE=), or export less";
      return fmt::format(
          "free space on the file system of {}, or export fewer series (metrics.per_cpu, "
          "metrics.per_magazine, metrics.series_limit)",
          directory);
    default:
      return fmt::format("check the file system of {}", directory);
  }
}

// Owns the descriptor of a temporary file, and its name until it is renamed.
class Temporary {
 public:
  explicit Temporary(const std::string& prefix) : name_(prefix + std::string(kUnique)) {
    fd_ = ::mkostemp(name_.data(), O_CLOEXEC);
    // Tells clear() of another process that the file is in use.
    if (fd_ >= 0) ::flock(fd_, LOCK_EX | LOCK_NB);
  }
  ~Temporary() {
    if (fd_ < 0) return;
    if (!renamed_) ::unlink(name_.c_str());
    ::close(fd_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  int fd() const { return fd_; }

  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  bool rename_to(const std::string& path) {
    renamed_ = ::rename(name_.c_str(), path.c_str()) == 0;
    return renamed_;
  }

 private:
  std::string name_;
  int fd_ = -1;
  bool renamed_ = false;
};

// True if the file begins with the header or is empty.
bool begins_with_header(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return false;
  std::array<char, kPromFileHeader.size()> begin{};
  const ssize_t got = ::pread(fd, begin.data(), begin.size(), 0);
  ::close(fd);
  return got == 0 ||
         std::string_view(begin.data(), got < 0 ? 0 : static_cast<std::size_t>(got)) == kPromFileHeader;
}

}  // namespace

PromFile::PromFile(std::string path, std::string directory, std::string temporary_prefix)
    : path_(std::move(path)),
      directory_(std::move(directory)),
      temporary_prefix_(std::move(temporary_prefix)) {}

Expected<PromFile> PromFile::at(const std::string& path) {
  const fs::path whole(path);
  const std::string name = whole.filename().string();
  if (!whole.is_absolute() || !name.ends_with(kSuffix) || name.size() == kSuffix.size() ||
      path.find('\0') != std::string::npos) {
    return fail(ErrorCode::config, fmt::format("metrics cannot be written to \"{}\"", path),
                "set textfile.path to an absolute path that ends in .prom, e.g. "
                "/var/lib/prometheus/node-exporter/rcached.prom");
  }
  const fs::path directory = whole.parent_path();
  return PromFile(path, directory.string(), (directory / ("." + name + ".tmp-")).string());
}

tl::unexpected<Error> PromFile::failed(const char* doing, int error) const {
  return fail(code_of(error),
              fmt::format("cannot {} {}: {}", doing, path_, std::system_category().message(error)),
              hint_for(error, directory_));
}

bool PromFile::is_mine(const struct stat& info) const {
  return written_ && info.st_dev == written_->device && info.st_ino == written_->inode &&
         info.st_mtim.tv_sec == written_->changed.tv_sec && info.st_mtim.tv_nsec == written_->changed.tv_nsec;
}

Expected<void> PromFile::check_place() const {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};  // or no directory: creating the temporary file reports that
    return failed("access", errno);
  }
  if (is_mine(info)) return {};
  if (!S_ISREG(info.st_mode) || !begins_with_header(path_)) {
    return fail(ErrorCode::foreign_file, fmt::format("{} exists and was not written by rcached", path_),
                "remove it, or set textfile.path to a name that nothing else uses");
  }
  if (written_) {
    return fail(
        ErrorCode::foreign_file, fmt::format("another rcached instance writes {}", path_),
        "set a different textfile.path for each instance; if no other instance is running, remove the "
        "file");
  }
  return {};
}

Expected<void> PromFile::replace(const std::vector<std::string_view>& pieces) {
  if (auto good = check_place(); !good) return good;
  Temporary file(temporary_prefix_);
  if (file.fd() < 0) return failed("write", errno);
  if (!file.write(kPromFileHeader)) return failed("write", errno);
  for (const std::string_view piece : pieces) {
    if (!file.write(piece)) return failed("write", errno);
  }
  // Without the sync, a rename may reach the disk before the contents: an empty file after a power failure.
  // The directory needs no sync: after a power failure the previous file is acceptable.
  if (::fchmod(file.fd(), 0644) != 0 || ::fsync(file.fd()) != 0) return failed("write", errno);
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0 || !file.rename_to(path_)) return failed("replace", errno);
  written_ = Identity{info.st_dev, info.st_ino, info.st_mtim};
  return {};
}

Expected<void> PromFile::remove() {
  if (!written_) return {};
  struct stat info {};
  if (::lstat(path_.c_str(), &info) == 0) {
    if (auto good = check_place(); !good) return good;
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return failed("remove", errno);
  } else if (errno != ENOENT && errno != ENOTDIR) {
    return failed("access", errno);
  }
  written_.reset();
  return {};
}

bool PromFile::remove_if_abandoned(const fs::path& temporary) const {
  const int fd = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT;
  struct stat info {};
  const bool regular = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const bool abandoned = regular && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  const bool good = !abandoned || ::unlink(temporary.c_str()) == 0 || errno == ENOENT;
  const int error = errno;
  ::close(fd);
  errno = error;
  return good;
}

Expected<void> PromFile::clear() {
  std::error_code error;
  Expected<void> result;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().string();
    if (name.size() != temporary_prefix_.size() + kUnique.size() || !name.starts_with(temporary_prefix_))
      continue;
    if (!remove_if_abandoned(it->path()) && result) result = failed("remove temporary files of", errno);
  }
  if (error) return failed("list temporary files of", error.value());
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) return result;
  if (auto good = check_place(); !good) return good;
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return failed("remove the old", errno);
  return result;
}

}  // namespace rcached
