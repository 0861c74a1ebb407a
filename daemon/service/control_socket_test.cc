// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/control_socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>

#include "daemon/service/control_client.h"
#include "tests/kit/temporary_folder.h"
#include "tests/kit/waiting.h"

namespace rcached {
namespace {

using namespace std::chrono_literals;

std::string echo(std::string_view request) { return "<" + std::string(request) + ">"; }

class ControlSocketTest : public ::testing::Test {
 protected:
  ControlSocketTest() { path_ = directory_ + "/control"; }

  std::unique_ptr<ControlSocket> open(ControlSocket::Handler handler = echo, const ControlLimits& limits = {},
                                      ExistingSocket existing = ExistingSocket::replace) const {
    auto socket = ControlSocket::open(directory_, existing, std::move(handler), limits);
    if (socket) return std::move(*socket);
    ADD_FAILURE() << socket.error().message;
    return nullptr;
  }

  Expected<std::string> ask(std::string_view request,
                            std::chrono::milliseconds timeout = testing::kHang) const {
    return ask_daemon(directory_, request, timeout);
  }

  // A client controlled by the test.
  UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval limit{std::chrono::seconds(testing::kHang).count(), 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
  }
  static void say(const UniqueFd& fd, std::string_view text) {
    ASSERT_EQ(send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  static std::string hear(const UniqueFd& fd) {
    std::string all;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0)
      all.append(buffer, static_cast<std::size_t>(got));
    EXPECT_FALSE(got < 0 && errno == EAGAIN) << "still connected";
    return all;
  }

  rcached::testing::TemporaryFolder folder_;
  std::string directory_ = folder_.path().string();
  std::string path_;
};

TEST_F(ControlSocketTest, AnswersEachLine) {
  const auto socket = open();
  EXPECT_EQ(ask("one"), "<one>");
  EXPECT_EQ(ask(""), "<>");
  EXPECT_EQ(ask("two words"), "<two words>");
}

TEST_F(ControlSocketTest, LongAnswersArriveCompletely) {
  const std::string large(20u << 20, 'x');
  const auto socket = open([&](std::string_view) { return large; });
  EXPECT_TRUE(ask("all of it") == large);
}

TEST_F(ControlSocketTest, IsAccessibleToItsOwnerOnly) {
  const mode_t before = umask(0);
  const auto socket = open();
  umask(before);
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode, S_IFSOCK | 0600u);
}

TEST_F(ControlSocketTest, IsRemovedAtTheEnd) {
  open().reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlSocketTest, CreatesItsDirectory) {
  directory_ += "/a/b";
  const auto socket = open();
  EXPECT_EQ(ask("x"), "<x>");
}

TEST_F(ControlSocketTest, AStaleSocketIsReplaced) {
  for (const ExistingSocket existing : {ExistingSocket::replace, ExistingSocket::respect}) {
    {
      const UniqueFd killed(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path_.copy(address.sun_path, sizeof address.sun_path - 1);
      ASSERT_EQ(bind(killed.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
      ASSERT_EQ(listen(killed.get(), 1), 0);
    }
    const auto socket = open(echo, {}, existing);
    EXPECT_EQ(ask("x"), "<x>");
  }
}

TEST_F(ControlSocketTest, RespectDoesNotReplaceALiveSocket) {
  const auto first = open();
  const auto second = ControlSocket::open(directory_, ExistingSocket::respect, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::second_instance);
  EXPECT_EQ(second.error().message, "another rcached uses the control socket (" + path_ + ")");
  EXPECT_EQ(ask("x"), "<x>");
}

TEST_F(ControlSocketTest, AReplacedSocketDoesNotRemoveItsSuccessor) {
  auto first = open([](std::string_view) { return "first"; });
  const auto second = open([](std::string_view) { return "second"; });
  first.reset();
  EXPECT_EQ(ask("x"), "second");
}

TEST_F(ControlSocketTest, AFileAtItsPathIsNotRemoved) {
  std::ofstream(path_) << "precious";
  const auto socket = ControlSocket::open(directory_, ExistingSocket::replace, echo);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().message,
            "the path of the control socket exists and is not a socket (" + path_ + ")");
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ControlSocketTest, APathTooLongForASocketIsRefusedWithItsLimit) {
  const std::string longest = "/" + std::string(98, 'd');
  EXPECT_EQ(control_socket_path(longest), longest + "/control");
  const auto path = control_socket_path(longest + "d");
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::config);
  EXPECT_EQ(path.error().message,
            "the path of the control socket has 108 bytes, more than the kernel's limit of 107 (" + longest +
                "d/control)");
  EXPECT_EQ(path.error().hint, "set run_directory to a path of at most 99 bytes");
  EXPECT_FALSE(ControlSocket::open(longest + "d", ExistingSocket::replace, echo));
  EXPECT_FALSE(ask_daemon(longest + "d", "x", 1s));
}

TEST_F(ControlSocketTest, AThrowingHandlerGivesAnErrorAnswer) {
  const auto socket = open([](std::string_view) -> std::string { throw std::runtime_error("x"); });
  EXPECT_EQ(ask("x"), "{\"error\":\"rcached failed to answer\",\"hint\":\"report this as a bug\"}");
  EXPECT_EQ(ask("x")->substr(0, 9), "{\"error\":");
}

// --- clients that are slow, broken or hostile

TEST_F(ControlSocketTest, RequestsMayArriveInPieces) {
  const auto socket = open();
  const UniqueFd client = connect();
  for (const char* piece : {"a", "b", "c"}) {
    say(client, piece);
    std::this_thread::sleep_for(5ms);
  }
  say(client, "d\nand extra data\n");
  EXPECT_EQ(hear(client), "<abcd>\n");
}

TEST_F(ControlSocketTest, ARequestHasALimit) {
  const auto socket = open();
  EXPECT_EQ(ask(std::string(4095, 'x'))->size(), 4097u);
  EXPECT_EQ(ask(std::string(4096, 'x')), "{\"error\":\"the request is longer than 4096 bytes\"}");
  const UniqueFd client = connect();
  say(client, std::string(4096, 'x'));  // without a newline
  EXPECT_EQ(hear(client), "{\"error\":\"the request is longer than 4096 bytes\"}\n");
}

TEST_F(ControlSocketTest, SilentClientsAreDisconnectedWithoutBlockingOthers) {
  const auto socket = open(echo, {.request_time = 2s});
  const UniqueFd silent = connect();
  const UniqueFd half = connect();
  say(half, "half a requ");
  EXPECT_EQ(ask("x"), "<x>");
  EXPECT_EQ(hear(silent), "");
  EXPECT_EQ(hear(half), "");
}

TEST_F(ControlSocketTest, ClientsThatDoNotReadAreDisconnected) {
  const auto socket = open([](std::string_view) { return std::string(4u << 20, 'x'); }, {.answer_time = 4s});
  const UniqueFd stuck = connect();
  say(stuck, "all\n");
  pollfd ended{stuck.get(), 0, 0};  // POLLHUP
  EXPECT_EQ(poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(testing::kHang).count())), 1);
  EXPECT_LT(hear(stuck).size(), 4u << 20);
  EXPECT_EQ(ask("x")->size(), 4u << 20);
}

TEST_F(ControlSocketTest, MoreClientsThanConnectionsWaitTheirTurn) {
  const auto socket = open(echo, {.connections = 2, .request_time = 100ms});
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 6; ++i) silent.push_back(connect());
  EXPECT_EQ(ask("x"), "<x>");
}

TEST_F(ControlSocketTest, ToleratesDisconnectingClients) {
  const auto socket = open([](std::string_view) { return std::string(20u << 20, 'x'); });
  for (const char* said : {"", "half", "all\n"}) {
    const UniqueFd client = connect();
    say(client, said);
  }
  EXPECT_EQ(ask("x")->size(), 20u << 20);
}

TEST_F(ControlSocketTest, ASlowHandlerDoesNotUseUpTheTimeOfOthers) {
  const auto socket = open(
      [](std::string_view request) {
        if (request == "slow") std::this_thread::sleep_for(2500ms);
        return echo(request);
      },
      {.request_time = 2s});
  const UniqueFd waiting = connect();
  std::this_thread::sleep_for(20ms);  // accepted
  auto slow = std::async(std::launch::async, [this] { return ask("slow"); });
  EXPECT_EQ(slow.get(), "<slow>");
  say(waiting, "late\n");
  EXPECT_EQ(hear(waiting), "<late>\n");
}

TEST_F(ControlSocketTest, TheDestructorDoesNotWaitForClients) {
  auto socket = open(echo, {.request_time = 2 * testing::kHang});
  const UniqueFd silent = connect();
  const auto begun = std::chrono::steady_clock::now();
  socket.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, testing::kHang);
}

// --- the client

TEST_F(ControlSocketTest, NoDaemon) {
  const auto answer = ask("x");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::internal);
  EXPECT_EQ(answer.error().message,
            "no running rcached can be reached: No such file or directory (" + path_ + ")");
  EXPECT_NE(answer.error().hint.find("--config"), std::string::npos);
}

TEST_F(ControlSocketTest, AnAnswerThatIsTooLate) {
  const auto socket = open([](std::string_view) {
    std::this_thread::sleep_for(300ms);
    return "late";
  });
  const auto answer = ask("x", 50ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "no answer within 50ms (" + path_ + ")");
}

TEST_F(ControlSocketTest, ADaemonThatExitsMeanwhile) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  auto answer = std::async(std::launch::async, [this] { return ask("x"); });
  {
    const UniqueFd accepted(accept(listener.get(), nullptr, nullptr));
    char request[16];
    ASSERT_EQ(recv(accepted.get(), request, sizeof request, 0), 2);
    say(accepted, "half an ans");
  }
  const auto result = answer.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "rcached exited before answering (" + path_ + ")");
}

}  // namespace
}  // namespace rcached
