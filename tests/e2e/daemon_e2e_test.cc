// SPDX-License-Identifier: Apache-2.0
// End-to-end tests of the binary: served pages, shutdown, and failures.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>

#include "base/version.h"
#include "daemon/host/iommu_groups.h"
#include "tests/e2e/process.h"
#include "tests/kit/http_client.h"
#include "tests/kit/paths.h"
#include "tests/kit/waiting.h"

namespace {

using namespace std::chrono_literals;
using rcached::e2e::Exit;
using rcached::e2e::Process;
using rcached::e2e::run;
using rcached::testing::eventually;
using rcached::testing::free_port;
using rcached::testing::get;
using rcached::testing::TemporaryFolder;

const std::string kBinary = RCACHED_BINARY;

// The value of a series, e.g. `rcached_events_total{cpu="0"}`; -1 if it is absent.
double metric(std::uint16_t port, const std::string& series) {
  const std::string page = get(port, "/metrics").body;
  const auto at = page.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size() + 2));
}

class Daemon : public ::testing::Test {
 protected:
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // With a run directory in the test's folder, unless `more` has a configuration.
  std::vector<std::string> synthetic(std::vector<std::string> more = {}) const {
    std::vector<std::string> argv = {kBinary, "run", "--source", "synthetic", "--listen", address()};
    if (std::find(more.begin(), more.end(), "--config") == more.end()) {
      argv.insert(argv.end(), {"--config", own_config()});
    }
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }

  std::string own_config() const {
    return directory_.write("own.yaml", "run_directory: " + directory_.path().string() + "\n");
  }

  bool ready() const {
    return eventually([&] { return get(port_, "/-/ready").status == 200; });
  }

  // Expects one line on stderr: "rcached: <message>", the code, and nothing on stdout.
  static void expect_failure(const Exit& exit, int code, const std::string& message) {
    EXPECT_EQ(exit.code, code) << exit.err;
    EXPECT_EQ(exit.out, "");
    EXPECT_EQ(exit.err.find("rcached: " + message), 0u) << exit.err;
    EXPECT_EQ(std::count(exit.err.begin(), exit.err.end(), '\n'), 1) << exit.err;
  }

  std::uint16_t port_ = free_port();
  TemporaryFolder directory_;
};

TEST_F(Daemon, ServesChangingMetrics) {
  Process daemon(synthetic());
  ASSERT_TRUE(ready()) << daemon.err();
  EXPECT_EQ(get(port_, "/-/healthy").status, 200);
  EXPECT_EQ(get(port_, "/").status, 200);
  const std::string series = "iova_allocations_total{domain=\"1\",order=\"0\"}";
  const double before = metric(port_, series);
  EXPECT_GE(before, 0);
  EXPECT_TRUE(eventually([&] { return metric(port_, series) > before; }));
  for (int domain = 1; domain <= 4; ++domain) {
    EXPECT_GT(metric(port_, "iova_tree_ranges{domain=\"" + std::to_string(domain) + "\"}"), 0);
  }

  const std::string page = directory_.write("metrics", get(port_, "/metrics").body);
  const Exit promtool = run({"sh", "-c", std::string(RCACHED_PROMTOOL) + " check metrics < " + page});
  EXPECT_EQ(promtool.code, 0);
  EXPECT_EQ(promtool.out + promtool.err, "");
}

TEST_F(Daemon, ExitsCleanly) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process daemon(synthetic());
    ASSERT_TRUE(ready()) << daemon.err();
    daemon.signal(signal);
    const auto exit = daemon.wait();
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->code, 0) << exit->err;
    EXPECT_EQ(exit->signal, 0);
  }
}

TEST_F(Daemon, ExitsInTimeWithOpenConnections) {
  Process daemon(synthetic());
  ASSERT_TRUE(ready()) << daemon.err();
  rcached::testing::RawConnection silent(port_), half(port_);
  half.send("GET /metrics HTTP/1.1\r\nHost:");
  daemon.signal(SIGTERM);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
}

TEST_F(Daemon, HandlesASignalDuringStartup) {
  Process daemon(synthetic({"--log-level", "debug"}));
  // The first line is logged as soon as signals are blocked, before anything is started.
  ASSERT_TRUE(eventually([&] { return daemon.err().find("<7>configuration: ") == 0; }));
  daemon.signal(SIGTERM);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
}

TEST_F(Daemon, APendingSignalStopsStartup) {
  // The signal is blocked, and pending from the first instruction on.
  std::vector<std::string> argv = {"env", "--block-signal=TERM",        "bash",
                                   "-c",  "kill -TERM $$; exec \"$@\"", "bash"};
  const auto start = synthetic({"--log-level", "debug"});
  argv.insert(argv.end(), start.begin(), start.end());
  Process daemon(argv);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
  EXPECT_NE(exit->err.find("<6>SIGTERM: shutting down\n"), std::string::npos) << exit->err;
  EXPECT_EQ(exit->err.find("metrics at"), std::string::npos) << exit->err;
}

TEST_F(Daemon, ExitsWithItsTerminalEvenIfItLogsElsewhere) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0) << "no pseudoterminal available";
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  // A terminal that a session leader opens becomes its controlling terminal.
  std::vector<std::string> argv = {"sh", "-c", "exec \"$@\" 3<>" + std::string(ptsname(terminal)), "sh"};
  const auto start = synthetic();
  argv.insert(argv.end(), start.begin(), start.end());
  Process daemon(argv);
  ASSERT_TRUE(ready()) << daemon.err();
  close(terminal);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
  EXPECT_NE(exit->err.find("<6>SIGHUP: shutting down\n"), std::string::npos) << exit->err;
}

TEST_F(Daemon, ExitsInTimeIfItsSummaryIsNotRead) {
  const std::string path = directory_ / "full";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  const std::string block(4096, '.');
  while (write(reader, block.data(), block.size()) > 0) continue;
  std::vector<std::string> argv = {"sh", "-c", "exec \"$@\" >" + path, "sh"};
  const auto start = synthetic({"--summary"});
  argv.insert(argv.end(), start.begin(), start.end());
  Process daemon(argv);
  ASSERT_TRUE(ready()) << daemon.err();
  daemon.signal(SIGTERM);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
  close(reader);
}

TEST_F(Daemon, SummaryHasTheUrlAndEveryDomain) {
  Process daemon(synthetic({"--summary"}));
  ASSERT_TRUE(eventually([&] { return daemon.out().find("\n4 ") != std::string::npos; })) << daemon.err();
  const std::string out = daemon.out();
  EXPECT_EQ(out.find("http://" + address() + "/metrics\n"), 0u) << out;
  EXPECT_NE(out.find("outstanding"), std::string::npos);
  EXPECT_NE(out.find("synthetic3"), std::string::npos);
  daemon.signal(SIGINT);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0);
}

TEST_F(Daemon, LogsPrioritiesIfStderrIsNotATerminal) {
  Process daemon(synthetic());
  ASSERT_TRUE(eventually([&] { return daemon.err().find("\n") != std::string::npos; }));
  EXPECT_EQ(daemon.err(), "<6>rcached " RCACHED_VERSION ": source synthetic, metrics at http://" + address() +
                              "/metrics\n");
}

TEST_F(Daemon, UsesTheSocketOfTheServiceManager) {
  std::vector<std::string> argv = {"systemd-socket-activate", "-l", address()};
  const std::uint16_t unused = free_port();
  for (const std::string& word : synthetic()) {
    argv.push_back(word == address() ? "127.0.0.1:" + std::to_string(unused) : word);
  }
  Process daemon(argv);  // starts rcached on the first connection
  ASSERT_TRUE(ready()) << daemon.err();
  const std::string said = "metrics at http://" + address() + "/metrics\n";  // logged after it is ready
  EXPECT_TRUE(eventually([&] { return daemon.err().find(said) != std::string::npos; })) << daemon.err();
  EXPECT_EQ(get(unused, "/-/healthy").status, 0) << "http.listen is not used";
  daemon.signal(SIGTERM);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
}

TEST_F(Daemon, RequiresThePasswordOfItsWebConfiguration) {
  // A well-formed bcrypt hash without a known password.
  const std::string web = directory_.write(
      "web.yaml", "basic_auth_users: {prom: $2b$04$abcdefghijklmnopqrstuuWuqfeKHPJnMoYkEwKxrzgdMxkKtXVBW}\n");
  const std::string config = directory_.write(
      "auth.yaml", "run_directory: " + directory_.path().string() + "\nhttp: {web_config: " + web + "}\n");
  Process daemon(synthetic({"--config", config}));
  ASSERT_TRUE(eventually([&] { return get(port_, "/metrics").status == 401; })) << daemon.err();
  // An invalid file is reported, and the previous configuration stays in effect.
  directory_.write("web.yaml", "basic_auth_users: {prom: nonsense}\n");
  ASSERT_TRUE(eventually([&] {
    return get(port_, "/metrics").status == 401 && daemon.err().find("web.yaml:1:") != std::string::npos;
  })) << daemon.err();
}

TEST_F(Daemon, NotifiesTheServiceManager) {
  const std::string path = directory_ / "notify";
  const int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  path.copy(place.sun_path, sizeof place.sun_path - 1);
  ASSERT_EQ(bind(manager, reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
  const timeval limit{20, 0};
  setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto next = [&] {
    char text[512];
    const ssize_t size = recv(manager, text, sizeof text, 0);
    return size < 0 ? std::string("nothing") : std::string(text, static_cast<std::size_t>(size));
  };

  Process daemon(synthetic(), {"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=200000"});
  EXPECT_EQ(next(), "READY=1\nSTATUS=source synthetic, metrics at http://" + address() + "/metrics");
  EXPECT_EQ(get(port_, "/metrics").status, 200) << "READY is sent once it serves";
  EXPECT_EQ(next(), "WATCHDOG=1");
  EXPECT_EQ(next(), "WATCHDOG=1");
  daemon.signal(SIGHUP);
  std::string last;
  while ((last = next()) == "WATCHDOG=1") continue;
  EXPECT_EQ(last.find("RELOADING=1\nMONOTONIC_USEC="), 0u) << last;
  while ((last = next()) == "WATCHDOG=1") continue;
  EXPECT_EQ(last, "READY=1\nSTATUS=source synthetic, metrics at http://" + address() + "/metrics");
  daemon.signal(SIGTERM);
  while ((last = next()) == "WATCHDOG=1") continue;
  EXPECT_EQ(last, "STOPPING=1\nSTATUS=Shutting down");
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
  close(manager);
}

// --- reload

TEST_F(Daemon, AppliesAValidReloadAndKeepsTheMirror) {
  const std::string config = own_config();
  Process daemon(synthetic({"--config", config}));
  ASSERT_TRUE(ready()) << daemon.err();
  const std::string sum = "iova_allocations_total{domain=\"1\",order=\"0\"}";
  const double before = metric(port_, sum);
  const auto per_cpu = [&] {
    return get(port_, "/metrics").body.find("\niova_rcache_cpu_ranges{") != std::string::npos;
  };
  EXPECT_FALSE(per_cpu());

  std::filesystem::create_directory(directory_ / "own.d");
  directory_.write("own.d/more.yaml", "metrics: {per_cpu: true}\nlog: {level: debug}\n");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(eventually(per_cpu)) << daemon.err();
  EXPECT_GE(metric(port_, sum), before) << "counted on";
  EXPECT_NE(daemon.err().find("metrics.per_cpu from false to true, log.level from info to debug"),
            std::string::npos)
      << daemon.err();
  EXPECT_EQ(metric(port_, "rcached_config_reloads_total{result=\"success\"}"), 1);
  EXPECT_EQ(metric(port_, "rcached_config_last_reload_successful"), 1);
}

TEST_F(Daemon, RejectsAnInvalidReloadEntirely) {
  const std::string config = own_config();
  Process daemon(synthetic({"--config", config}));
  ASSERT_TRUE(ready()) << daemon.err();
  const std::string own = "run_directory: " + directory_.path().string() + "\n";
  const struct {
    std::string text, said;
  } cases[] = {
      {own + "metrics: {per_cpu: true}\nlog: {level: loud}\n", "own.yaml:3:"},
      {own + "metrics: {per_cpu: true}\nhttp: {threads: 3}\n",
       "a reload cannot change http.threads from 8 to 3"},
  };
  int refused = 0;
  for (const auto& wrong : cases) {
    directory_.write("own.yaml", wrong.text);
    daemon.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return daemon.err().find(wrong.said) != std::string::npos; }))
        << daemon.err();
    EXPECT_TRUE(eventually(
        [&] { return metric(port_, "rcached_config_reloads_total{result=\"failure\"}") == refused + 1; }));
    ++refused;
    EXPECT_EQ(metric(port_, "rcached_config_last_reload_successful"), 0);
  }
  EXPECT_EQ(get(port_, "/metrics").body.find("\niova_rcache_cpu_ranges{"), std::string::npos)
      << "no part is applied";
  directory_.write("own.yaml", own);
  daemon.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return metric(port_, "rcached_config_last_reload_successful") == 1; }));
}

// --- failures: one line and a specific exit code each

TEST_F(Daemon, PortTaken) {
  Process first(synthetic());
  ASSERT_TRUE(ready()) << first.err();
  const Exit second = run(synthetic());
  EXPECT_EQ(second.code, 10) << second.err;
  EXPECT_NE(second.err.find(address()), std::string::npos) << second.err;
  EXPECT_EQ(second.err.find("rcached: "), 0u) << second.err;
  EXPECT_EQ(std::count(second.err.begin(), second.err.end(), '\n'), 1) << second.err;
}

TEST_F(Daemon, InvalidConfig) {
  const std::string path = directory_.write("c.yaml", "http:\n  listne: 127.0.0.1:9731\n");
  const std::string message = "unknown key 'http.listne' (" + path + ":2:3); did you mean 'http.listen'?\n";
  expect_failure(run({kBinary, "run", "--config", path}), 3, message);
  expect_failure(run({kBinary, "--check-config", path}), 3, message);
  const Exit check = run({kBinary, "check", "--config", path});
  EXPECT_EQ(check.code, 3);
  EXPECT_EQ(
      check.out.find("FAIL config: unknown key 'http.listne' (" + path + ":2:3)\n     hint: did you mean"),
      0u)
      << check.out;
}

TEST_F(Daemon, MissingConfig) {
  const std::string path = directory_ / "none.yaml";
  expect_failure(run({kBinary, "run", "--config", path}), 3,
                 "cannot read the configuration: No such file or directory (" + path + "); create the file");
}

TEST_F(Daemon, ShowsAValidConfig) {
  const std::string path = directory_.write("c.yaml", "http: {threads: 7}\n");
  const Exit exit = run({kBinary, "--check-config", path});
  EXPECT_EQ(exit.code, 0) << exit.err;
  EXPECT_NE(exit.out.find("  threads: 7\n"), std::string::npos);
  EXPECT_EQ(run({kBinary, "--check-config", directory_.write("again.yaml", exit.out)}).code, 0);
}

TEST_F(Daemon, DropInsAreReadAndReported) {
  const std::string path = directory_.write("c.yaml", "http: {threads: 7, streams: 7}\n");
  std::filesystem::create_directory(directory_ / "c.d");
  const std::string drop_in = directory_.write("c.d/a.yaml", "\nhttp: {threads: 9}\n");
  const Exit check = run({kBinary, "--check-config", path});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(check.out.find("# " + path + ", " + drop_in + ": valid; effective configuration:\n"), 0u)
      << check.out;

  const Exit shown =
      run({kBinary, "config", "show", "--config", path, "--changed", "--listen", "127.0.0.1:1"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out, "# " + path + ", " + drop_in +
                           "\nhttp:\n"
                           "  listen: 127.0.0.1:1               # command line\n"
                           "  threads: 9                        # " +
                           drop_in +
                           ":2\n"
                           "  streams: 7                        # " +
                           path + ":1\n");
  EXPECT_EQ(run({kBinary, "--check-config", directory_.write("again.yaml", shown.out)}).code, 0);

  directory_.write("c.d/b.yaml", "http: {threads: 99}\n");
  expect_failure(
      run({kBinary, "config", "show", "--config", path}), 3,
      "wrong value '99' for 'http.threads' (" + (directory_ / "c.d/b.yaml") + ":1:17); write an integer");
}

TEST_F(Daemon, ConfigIsUsed) {
  const std::string path = directory_.write(
      "c.yaml", "source: synthetic\nrun_directory: " + directory_.path().string() + "\nhttp: {listen: \"" +
                    address() + "\"}\nsynthetic: {domains: 2, cpus: 3}\nmetrics: {per_cpu: true}\n");
  Process daemon({kBinary, "run", "--config", path});
  ASSERT_TRUE(ready()) << daemon.err();
  EXPECT_GT(metric(port_, "iova_tree_ranges{domain=\"2\"}"), 0);
  EXPECT_EQ(metric(port_, "iova_tree_ranges{domain=\"3\"}"), -1);
}

// Without capabilities: as user nobody if root runs the tests (with a copy of the binary that this user can
// access), otherwise as the current user.
class Unprivileged : public Daemon {
 protected:
  void SetUp() override {
    chmod(directory_.path().string().c_str(), 0755);
    std::filesystem::copy_file(kBinary, directory_ / "rcached");
  }

  std::vector<std::string> unprivileged(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv;
    if (geteuid() == 0) argv = {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
    argv.push_back(directory_ / "rcached");
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
  }
  Exit as_nobody(const std::vector<std::string>& arguments) const { return run(unprivileged(arguments)); }
};

TEST_F(Unprivileged, TheKernelSourceNeedsPermission) {
  mkdir((directory_ / "closed").c_str(), geteuid() == 0 ? 0700 : 0500);
  const std::string config =
      directory_.write("c.yaml", "run_directory: " + (directory_ / "closed/run") + "\n");
  expect_failure(as_nobody({"run", "--config", config}), 4,
                 "cannot create the run directory: Permission denied (" + (directory_ / "closed/run") +
                     "); run as root or through rcached.service");
}

TEST_F(Unprivileged, CheckReportsMissingCapabilities) {
  const Exit exit = as_nobody({"check"});
  EXPECT_EQ(exit.code, 4) << exit.err;
  const std::string uid = geteuid() == 0 ? "65534" : std::to_string(geteuid());
  EXPECT_NE(
      exit.out.find("FAIL permission: uid " + uid + " lacks CAP_BPF and CAP_PERFMON\n     hint: run as root"),
      std::string::npos)
      << exit.out;
}

TEST_F(Unprivileged, UnreadableConfig) {
  const std::string path = directory_.write("secret.yaml", "");
  chmod(path.c_str(), geteuid() == 0 ? 0600 : 0);
  expect_failure(as_nobody({"run", "--config", path}), 3,
                 "cannot read the configuration: Permission denied (" + path + "); make the file readable");
}

TEST_F(Unprivileged, TheSyntheticSourceNeedsNoPrivileges) {
  Process daemon(unprivileged({"run", "--source", "synthetic", "--listen", address()}));
  ASSERT_TRUE(ready()) << daemon.err();
  daemon.signal(SIGTERM);
  const auto exit = daemon.wait();
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 0) << exit->err;
}

TEST_F(Daemon, SecondInstance) {
  const std::string lock = directory_.write("rcached.lock", "4242\n");
  const int fd = open(lock.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(fd, LOCK_EX), 0);
  const std::string config =
      directory_.write("c.yaml", "run_directory: " + directory_.path().string() + "\n");
  expect_failure(run({kBinary, "run", "--config", config, "--listen", address()}), 11,
                 "another rcached is tracing this kernel, pid 4242 (" + lock + "); stop it first");
  // The synthetic source is not affected.
  Process daemon(synthetic({"--config", config}));
  EXPECT_TRUE(ready()) << daemon.err();
  close(fd);
}

// --- rcached audit

TEST_F(Daemon, AuditWithoutADaemon) {
  const std::string socket = directory_ / "control";
  const std::string missing =
      "no running rcached can be reached: No such file or directory (" + socket + "); start it";
  expect_failure(run({kBinary, "audit", "--config", own_config()}), 1, missing);
  expect_failure(run({kBinary, "audit", "--config", own_config(), "--json"}), 1, missing);
  {
    Process killed(synthetic());
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(socket); })) << killed.err();
    killed.signal(SIGKILL);
    ASSERT_TRUE(killed.wait());
  }
  expect_failure(run({kBinary, "audit", "--config", own_config()}), 1,
                 "no running rcached can be reached: Connection refused (" + socket + "); start it");
  // Files left by a killed daemon do not affect the next one.
  Process next(synthetic());
  ASSERT_TRUE(ready()) << next.err();
  EXPECT_TRUE(eventually([&] {
    return run({kBinary, "audit", "--config", own_config()}).err.find("no rcached runs") == std::string::npos;
  }));
  next.signal(SIGTERM);
  ASSERT_TRUE(next.wait());
  EXPECT_FALSE(std::filesystem::exists(socket)) << "a clean shutdown removes it";
}

TEST_F(Daemon, AuditOfTheSyntheticSource) {
  Process daemon(synthetic());
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory_ / "control"); })) << daemon.err();
  for (const auto& more :
       std::vector<std::vector<std::string>>{{}, {"--json"}, {"--domain", "1"}, {"--contents"}}) {
    std::vector<std::string> argv = {kBinary, "audit", "--config", own_config()};
    argv.insert(argv.end(), more.begin(), more.end());
    expect_failure(run(argv), 1, "nothing can be audited: ");
  }
  expect_failure(run({kBinary, "audit", "--config", own_config(), "--domain", "77"}), 2,
                 "there is no domain '77'; known domains: 1, 2, 3, 4\n");
  const auto mode = std::filesystem::status(directory_ / "control").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Daemon, TwoSyntheticDaemonsShareARunDirectory) {
  Process first(synthetic());
  ASSERT_TRUE(ready()) << first.err();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory_ / "control"); }));
  const std::uint16_t other = free_port();
  Process second({kBinary, "run", "--source", "synthetic", "--listen", "127.0.0.1:" + std::to_string(other),
                  "--config", own_config()});
  ASSERT_TRUE(eventually([&] { return get(other, "/-/ready").status == 200; })) << second.err();
  EXPECT_TRUE(eventually(
      [&] { return second.err().find("another rcached uses the control socket") != std::string::npos; }));
  second.signal(SIGTERM);
  ASSERT_TRUE(second.wait());
  EXPECT_TRUE(std::filesystem::exists(directory_ / "control")) << "it belongs to the first one";
}

TEST_F(Daemon, ARunDirectoryTooLongForASocket) {
  const std::string config =
      directory_.write("c.yaml", "run_directory: " + (directory_ / std::string(100, 'd')) + "\n");
  const std::string message = "wrong value '" + (directory_ / std::string(100, 'd')).substr(0, 60) +
                              "...' for 'run_directory' (" + config +
                              ":1:16); write an absolute path of at most 99 ASCII characters";
  expect_failure(run(synthetic({"--config", config})), 3, message);
  expect_failure(run({kBinary, "audit", "--config", config}), 3, message);
}

// A host with a translating IOMMU passes this check; the lab tests that case.
TEST_F(Daemon, NoIommu) {
  const auto groups = rcached::read_iommu_groups();
  if (std::any_of(groups.begin(), groups.end(), [](const auto& group) { return group.translates_dma(); })) {
    EXPECT_EQ(run({kBinary, "domains"}).code, 0);
    return;
  }
  const std::string config =
      directory_.write("c.yaml", "run_directory: " + directory_.path().string() + "\n");
  const Exit exit = run({kBinary, "run", "--config", config, "--listen", address()});
  EXPECT_EQ(exit.code, 7) << exit.err;
  EXPECT_EQ(exit.err.find("rcached: no"), 0u) << exit.err;
  EXPECT_EQ(std::count(exit.err.begin(), exit.err.end(), '\n'), 1) << exit.err;
  EXPECT_EQ(run({kBinary, "domains"}).code, 7);
  const Exit json = run({kBinary, "domains", "--json"});
  EXPECT_EQ(json.code, 7);
  EXPECT_EQ(json.out, "[]\n");
}

TEST_F(Daemon, CommandLineMistakes) {
  expect_failure(run({kBinary}), 2, "no command given; try 'rcached run'");
  expect_failure(run({kBinary, "run", "--source", "kernl"}), 2, "wrong value 'kernl' for --source");
}

TEST_F(Daemon, HelpAndVersion) {
  const Exit help = run({kBinary, "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_LE(std::count(help.out.begin(), help.out.end(), '\n'), 24);
  EXPECT_EQ(run({kBinary, "--version"}).out, "rcached " RCACHED_VERSION "\n");
}

TEST_F(Daemon, LostOutputIsReported) {
  const std::string path = directory_.write("c.yaml", "");
  const std::string message = "rcached: cannot write to standard output: No space left on device\n";
  for (const std::string arguments :
       {"--version", "--help", "config show", "config show --json", "--check-config"}) {
    const std::string config = arguments.starts_with("config") ? " --config " + path
                               : arguments == "--check-config" ? " " + path
                                                               : "";
    const std::string command = kBinary + " " + arguments + config;
    const Exit full = run({"sh", "-c", "exec " + command + " >/dev/full"});
    EXPECT_EQ(full.code, 1) << command;
    EXPECT_EQ(full.err, message) << command;
    // A pipe without a reader.
    const std::string gone = directory_ / "gone";
    const Exit closed = run({"sh", "-c",
                             "rm -f " + gone + "; mkfifo " + gone + "; exec 3<>" + gone + " 4>" + gone +
                                 " 3<&-; exec " + command + " >&4"});
    EXPECT_EQ(closed.code, 0) << command;
    EXPECT_EQ(closed.err, "") << command;
  }
  const int code = run({kBinary, "check"}).code;  // depends on this machine
  const Exit check = run({"sh", "-c", "exec " + kBinary + " check >/dev/full"});
  EXPECT_EQ(check.code, code != 0 ? code : 1);
  EXPECT_EQ(check.err, message);
}

TEST_F(Daemon, CheckCanPrintJson) {
  const Exit exit = run({kBinary, "check", "--json"});
  EXPECT_EQ(exit.out.find("{\n  \"ok\": "), 0u) << exit.out;
  EXPECT_EQ(exit.out.find("\"exit_code\": " + std::to_string(exit.code)) != std::string::npos, true);
}

}  // namespace
