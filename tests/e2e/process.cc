// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace rcached::e2e {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

Process::Process(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const std::string out = directory_ / "out", err = directory_ / "err";
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  setsid();  // the child must not have the controlling terminal of the tests
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
  dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
  for (const std::string& entry : environment) putenv(const_cast<char*>(entry.c_str()));
  execvp(arguments[0], arguments.data());
  _exit(127);
}

Process::~Process() {
  if (exit_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  if (!exit_) kill(pid_, number);
}

std::optional<Exit> Process::wait(std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (!exit_) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      Exit result;
      if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
      result.out = out();
      result.err = err();
      exit_ = result;
    } else if (Clock::now() > end) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(2ms);
    }
  }
  return exit_;
}

std::string Process::out() const { return read_file(directory_ / "out"); }
std::string Process::err() const { return read_file(directory_ / "err"); }

Exit run(const std::vector<std::string>& argv) {
  Process process(argv);
  return process.wait().value_or(Exit{});
}

}  // namespace rcached::e2e
