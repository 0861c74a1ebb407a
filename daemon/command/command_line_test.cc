// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/command_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace rcached {
namespace {

using Overrides = std::vector<std::pair<std::string, std::string>>;

Expected<CommandLine> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "rcached");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string refusal(const std::vector<const char*>& arguments) {
  const auto line = parse(arguments);
  if (line) return "accepted";
  EXPECT_EQ(line.error().code, ErrorCode::usage);
  EXPECT_EQ(line.error().message.find('\n'), std::string::npos);
  return line.error().message + "; " + line.error().hint;
}

TEST(CommandLine, Commands) {
  EXPECT_EQ(parse({"run"})->command, Command::run);
  EXPECT_EQ(parse({"top"})->command, Command::top);
  EXPECT_EQ(parse({"audit"})->command, Command::audit);
  EXPECT_EQ(parse({"check"})->command, Command::check);
  EXPECT_EQ(parse({"domains"})->command, Command::domains);
  EXPECT_EQ(parse({"--version"})->command, Command::version);
  EXPECT_EQ(parse({"--help"})->command, Command::help);
  EXPECT_EQ(parse({"-h"})->command, Command::help);
  EXPECT_TRUE(parse({"check", "--json"})->json);
  EXPECT_TRUE(parse({"domains", "--json"})->json);
  EXPECT_TRUE(parse({"run", "--summary"})->summary);
}

TEST(CommandLine, Audit) {
  const auto plain = parse({"audit"});
  EXPECT_EQ(plain->domain, "");
  EXPECT_FALSE(plain->contents || plain->json);
  EXPECT_EQ(plain->config_path, std::nullopt);
  const auto full = parse({"audit", "--config", "f.yaml", "--domain", "iovad-2", "--json", "--contents"});
  EXPECT_EQ(full->config_path, "f.yaml");
  EXPECT_EQ(full->domain, "iovad-2");
  EXPECT_TRUE(full->contents && full->json);
}

TEST(CommandLine, Top) {
  using namespace std::chrono_literals;
  const auto plain = parse({"top"});
  EXPECT_EQ(plain->top.url, std::nullopt);
  EXPECT_EQ(plain->top.interval, 1s);
  EXPECT_FALSE(plain->top.own_source || plain->top.once || plain->json);
  EXPECT_TRUE(plain->overrides.empty());
  const auto full = parse({"top", "--url", "http://db7:9731", "--user", "me", "--interval", "250ms", "--sort",
                           "overflows", "--domain", "4", "--once", "--json", "--config", "f.yaml"});
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->top.url, "http://db7:9731");
  EXPECT_EQ(full->top.user, "me");
  EXPECT_EQ(full->top.interval, 250ms);
  EXPECT_EQ(full->top.sort, "overflows");
  EXPECT_EQ(full->domain, "4");
  EXPECT_EQ(full->config_path, "f.yaml");
  EXPECT_TRUE(full->top.once && full->json);
  EXPECT_EQ(parse({"top", "--interval", "2"})->top.interval, 2s);
  const auto own = parse({"top", "--source", "synthetic"});
  EXPECT_TRUE(own->top.own_source);
  EXPECT_EQ(config_request(*own).overrides, (Overrides{{"source", "synthetic"}}));
  EXPECT_FALSE(parse({"run", "--source", "synthetic"})->top.own_source);
}

TEST(CommandLine, MistakesOfTop) {
  EXPECT_EQ(refusal({"top", "--interval", "1h"}),
            "wrong value '1h' for --interval; write a duration from 100ms to 3600s, e.g. 2s");
  EXPECT_NE(refusal({"top", "--interval", "99ms"}), "accepted");
  EXPECT_NE(refusal({"top", "--interval", "0"}), "accepted");
  EXPECT_NE(refusal({"top", "--interval", "99999999999999999999"}), "accepted");
  EXPECT_NE(refusal({"top", "--sort", "overflow"}).find("did you mean 'overflows'?"), std::string::npos);
  EXPECT_NE(refusal({"top", "--source", "kernl"}).find("did you mean 'kernel'?"), std::string::npos);
  EXPECT_EQ(refusal({"top", "--source", "kernel", "--url", "http://a"}),
            "--source cannot be combined with --url or --user; use one or the other");
  const std::string password = refusal({"top", "--url", "http://me:secret@a"});
  EXPECT_NE(password.find("RCACHED_PASSWORD"), std::string::npos);
  EXPECT_EQ(password.find("secret"), std::string::npos);
}

TEST(CommandLine, ConfigPaths) {
  EXPECT_EQ(parse({"run"})->config_path, std::nullopt);
  EXPECT_EQ(parse({"run", "--config", "f.yaml"})->config_path, "f.yaml");
  EXPECT_EQ(parse({"check", "--config=f.yaml"})->config_path, "f.yaml");
  EXPECT_EQ(parse({"run", "--config", ""})->config_path, "");
  EXPECT_EQ(parse({"--check-config"})->command, Command::check_config);
  EXPECT_EQ(parse({"--check-config"})->config_path, std::nullopt);
  EXPECT_EQ(parse({"--check-config", "f.yaml"})->config_path, "f.yaml");
}

TEST(CommandLine, OptionsOverrideTheConfiguration) {
  const auto line = parse({"run", "--source", "synthetic", "--listen", "0.0.0.0:80", "--log-level", "debug"});
  ASSERT_TRUE(line);
  EXPECT_EQ(config_request(*line).overrides,
            (Overrides{{"source", "synthetic"}, {"http.listen", "0.0.0.0:80"}, {"log.level", "debug"}}));
  EXPECT_EQ(config_request(*line).path, std::nullopt);
}

TEST(CommandLine, ConfigShow) {
  const auto plain = parse({"config", "show"});
  EXPECT_EQ(plain->command, Command::config_show);
  EXPECT_FALSE(plain->json || plain->changed);
  const auto full =
      parse({"config", "show", "--config", "f.yaml", "--json", "--changed", "--listen", "0.0.0.0:80"});
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->json && full->changed);
  EXPECT_EQ(config_request(*full).path, "f.yaml");
  EXPECT_EQ(config_request(*full).overrides, (Overrides{{"http.listen", "0.0.0.0:80"}}));
  EXPECT_NE(refusal({"config"}), "accepted");
  EXPECT_NE(refusal({"config", "shwo"}), "accepted");
  EXPECT_NE(refusal({"config", "show", "--source", "kernl"}), "accepted");
}

TEST(CommandLine, Mistakes) {
  EXPECT_EQ(refusal({}), "no command given; try 'rcached run', or see 'rcached --help'");
  EXPECT_EQ(refusal({"rnu"}), "The following argument was not expected: rnu; see 'rcached --help'");
  EXPECT_EQ(refusal({"run", "--sauce"}),
            "The following argument was not expected: --sauce; see 'rcached --help'");
  EXPECT_EQ(refusal({"run", "--source", "synthetc"}),
            "wrong value 'synthetc' for --source; write one of kernel, synthetic; did you mean 'synthetic'?");
  EXPECT_EQ(refusal({"run", "--listen", "9731"}),
            "wrong value '9731' for --listen; write IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731");
  EXPECT_EQ(refusal({"run", "--log-level", "warn"}),
            "wrong value 'warn' for --log-level; write one of debug, info, warning, error");
  EXPECT_NE(refusal({"run", "--config"}), "accepted");
  EXPECT_NE(refusal({"run", "check"}), "accepted");
}

TEST(CommandLine, HelpFitsAScreen) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"--help"},
                                                                     {"run", "--help"},
                                                                     {"top", "--help"},
                                                                     {"audit", "--help"},
                                                                     {"check", "--help"},
                                                                     {"config", "--help"},
                                                                     {"config", "show", "--help"},
                                                                     {"domains", "--help"}}) {
    std::istringstream text(parse(arguments)->help_text);
    int lines = 0;
    for (std::string line; std::getline(text, line); ++lines) EXPECT_LE(line.size(), 80u) << line;
    EXPECT_LE(lines, 24);
    EXPECT_GT(lines, 5);
  }
  const std::string help = parse({"--help"})->help_text;
  for (const char* word : {"run", "top", "audit", "check", "domains", "config", "--check-config", "--version",
                           "Exit codes", " 7 no IOMMU", "11 second instance"}) {
    EXPECT_NE(help.find(word), std::string::npos) << word;
  }
}

}  // namespace
}  // namespace rcached
