// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/nearest.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/values.h"
#include "exporters/top/api_client.h"
#include "exporters/top/domain_table.h"

namespace rcached {
namespace {

constexpr const char* kExitCodes =
    "Exit codes:\n"
    "  0 ok           1 internal     2 command line     3 configuration\n"
    "  4 permission   5 no BTF       6 lockdown         7 no IOMMU\n"
    "  8 layout       9 attach      10 port taken      11 second instance";

// Validates an option that overrides the key `path` by the rules of the key.
Expected<void> check_override(const std::string& option, const std::string& path, const std::string& text) {
  const ConfigKey& key = config_keys()[*find_config_key(path)];
  Config scratch;
  if (valid_utf8(text) == text && key.set(scratch, text)) return {};
  return fail(ErrorCode::usage, fmt::format("wrong value '{}' for {}", printable(text), option),
              value_hint(key, text));
}

Expected<std::chrono::milliseconds> parse_interval(const std::string& text) {
  // A bare number is in seconds, as in top(1).
  const bool bare = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const auto interval = parse_duration(bare ? text + "s" : text);
  if (interval && *interval >= std::chrono::milliseconds(100) && *interval <= std::chrono::hours(1))
    return *interval;
  return fail(ErrorCode::usage, fmt::format("wrong value '{}' for --interval", printable(text)),
              "write a duration from 100ms to 3600s, e.g. 2s");
}

Expected<void> check_sort(const std::string& text) {
  if (text.empty() || top::column_by_name(text)) return {};
  std::vector<std::string_view> names;
  for (const top::Column& column : top::columns()) names.push_back(column.name);
  std::string hint = fmt::format("write one of {}", top::column_names());
  if (const auto near = nearest(text, names)) hint += fmt::format("; did you mean '{}'?", *near);
  return fail(ErrorCode::usage, fmt::format("wrong value '{}' for --sort", printable(text)), hint);
}

// The URL itself is not repeated: it may hold a password.
Expected<void> check_url(const std::string& text) {
  if (const auto url = top::parse_url(text); !url) {
    return fail(ErrorCode::usage, fmt::format("wrong value for --url: {}", url.error()),
                "write http://HOST:PORT, e.g. http://127.0.0.1:9731");
  }
  return {};
}

struct Override {
  const char* option;
  const char* path;
  std::string text;
};

}  // namespace

Expected<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  std::string config_path, checked_path;
  bool version = false;
  Override source{"--source", "source", {}};
  Override listen{"--listen", "http.listen", {}};
  Override log_level{"--log-level", "log.level", {}};

  CLI::App app("rcached: what the Linux IOVA allocator caches, for Prometheus", "rcached");
  app.get_formatter()->column_width(28);
  app.set_help_flag("-h,--help", "Show help for rcached or a command");
  app.add_flag("--version", version, "Show the version");
  auto* check_config =
      app.add_option("--check-config", checked_path, "Check a configuration and show it in full")
          ->expected(0, 1)
          ->type_name("[FILE]");
  app.footer(kExitCodes);
  app.require_subcommand(0, 1);

  // The configuration and the options that override it.
  const auto add_config_options = [&](CLI::App* command) {
    command->add_option("--config", config_path, "Configuration (default /etc/rcached/rcached.yaml)")
        ->type_name("FILE");
    command->add_option("--source", source.text, "kernel or synthetic")->type_name("NAME");
    command->add_option("--listen", listen.text, "Address and port of the HTTP server")
        ->type_name("HOST:PORT");
    command->add_option("--log-level", log_level.text, "debug, info, warning or error")->type_name("LEVEL");
  };
  auto* run = app.add_subcommand("run", "Trace the allocator and serve /metrics");
  add_config_options(run);
  run->add_flag("--summary", line.summary, "Print the URL and a live summary per domain");

  std::string url, interval;
  auto* top = app.add_subcommand("top", "Show live data in the terminal");
  auto* own_source =
      top->add_option("--source", source.text, "Use no daemon: kernel or synthetic")->type_name("NAME");
  top->add_option("--url", url, "The daemon (default: from the configuration)")->type_name("URL");
  top->add_option("--user", line.top.user, "User; password in $RCACHED_PASSWORD")->type_name("NAME");
  top->add_option("--config", config_path, "The daemon's configuration (default as for run)")
      ->type_name("FILE");
  top->add_option("--interval", interval, "Refresh interval, e.g. 500ms (default 1s)")->type_name("TIME");
  top->add_option("--sort", line.top.sort, "Column to sort by, e.g. overflows")->type_name("COLUMN");
  top->add_option("--domain", line.domain, "Show only this domain (its label)")->type_name("LABEL");
  top->add_flag("--once", line.top.once, "Print one screen and exit");
  top->add_flag("--json", line.json, "Print JSON, one line per snapshot");

  auto* audit = app.add_subcommand("audit", "Compare the running mirror with kernel memory now");
  audit->add_option("--config", config_path, "The daemon's configuration (default as for run)")
      ->type_name("FILE");
  audit->add_option("--domain", line.domain, "Audit only this domain (its label)")->type_name("LABEL");
  audit->add_flag("--json", line.json, "As JSON");
  audit->add_flag("--contents", line.contents, "Show digests of all cached pfns");

  auto* check = app.add_subcommand("check", "Check whether rcached can run here");
  check->add_option("--config", config_path, "Configuration (default /etc/rcached/rcached.yaml)")
      ->type_name("FILE");
  check->add_flag("--json", line.json, "As JSON");

  auto* domains = app.add_subcommand("domains", "List the IOMMU groups that translate DMA");
  domains->add_flag("--json", line.json, "As JSON");

  auto* config = app.add_subcommand("config", "Show the configuration and where it comes from");
  config->require_subcommand(1);
  auto* show = config->add_subcommand("show", "Show every value with its origin, as YAML");
  add_config_options(show);
  show->add_flag("--changed", line.changed, "Only what differs from the defaults");
  show->add_flag("--json", line.json, "As JSON");
  for (CLI::App* command : {run, top, audit, check, domains, config, show})
    command->get_formatter()->column_width(28);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.help_text = app.help();
    return line;
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    std::replace(what.begin(), what.end(), '\n', ' ');
    return fail(ErrorCode::usage, printable(what), "see 'rcached --help'");
  }

  for (const Override& override : {source, listen, log_level}) {
    const bool for_top = override.option == source.option && own_source->count() > 0;
    if (run->count(override.option) + show->count(override.option) == 0 && !for_top) continue;
    RCACHED_CHECK(check_override(override.option, override.path, override.text));
    line.overrides.emplace_back(override.path, override.text);
  }
  for (const CLI::App* command : {run, top, audit, check, show}) {
    if (command->count("--config") > 0) line.config_path = config_path;
  }
  line.top.own_source = own_source->count() > 0;
  if (line.top.own_source && top->count("--url") + top->count("--user") > 0) {
    return fail(ErrorCode::usage, "--source cannot be combined with --url or --user", "use one or the other");
  }
  if (top->count("--url") > 0) {
    RCACHED_CHECK(check_url(url));
    line.top.url = url;
  }
  if (top->count("--interval") > 0) {
    RCACHED_TRY(const auto checked, parse_interval(interval));
    line.top.interval = checked;
  }
  RCACHED_CHECK(check_sort(line.top.sort));

  if (version) {
    line.command = Command::version;
  } else if (check_config->count() > 0) {
    line.command = Command::check_config;
    if (!checked_path.empty()) line.config_path = checked_path;
  } else if (run->parsed()) {
    line.command = Command::run;
  } else if (top->parsed()) {
    line.command = Command::top;
  } else if (audit->parsed()) {
    line.command = Command::audit;
  } else if (check->parsed()) {
    line.command = Command::check;
  } else if (domains->parsed()) {
    line.command = Command::domains;
  } else if (show->parsed()) {
    line.command = Command::config_show;
  } else {
    return fail(ErrorCode::usage, "no command given", "try 'rcached run', or see 'rcached --help'");
  }
  return line;
}

ConfigRequest config_request(const CommandLine& command_line) {
  ConfigRequest request;
  request.path = command_line.config_path;
  request.overrides = command_line.overrides;
  return request;
}

}  // namespace rcached
