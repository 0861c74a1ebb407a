// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/top.h"

#include <fmt/format.h>
#include <langinfo.h>
#include <poll.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/command/pipeline_setup.h"
#include "daemon/config/values.h"
#include "daemon/service/instance_lock.h"
#include "daemon/service/logging.h"
#include "exporters/top/api_client.h"
#include "exporters/top/cell_grid.h"
#include "exporters/top/fetch.h"
#include "exporters/top/interactive.h"
#include "exporters/top/poller.h"
#include "exporters/top/render.h"
#include "exporters/top/screen.h"

namespace rcached {
namespace {

using std::chrono::milliseconds;

using top::Poller;
using top::TerminalSignals;

constexpr milliseconds kFirstViewLimit{10'000};
constexpr milliseconds kEndLimit{500};
constexpr int kDefaultWidth = 80;
constexpr const char* kPasswordVariable = "RCACHED_PASSWORD";

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this host";
}

// The source of the data. Owns the pipeline, if any.
struct Origin {
  std::string host;
  std::shared_ptr<top::PictureSource> source;
  std::shared_ptr<Pipeline> pipeline;  // null: in a daemon
  std::optional<InstanceLock> lock;
};

// The URL of the daemon of this configuration on its own host.
std::string local_url(const std::string& listen) {
  constexpr std::string_view kAny = "0.0.0.0:";
  return "http://" + (listen.starts_with(kAny) ? "127.0.0.1:" + listen.substr(kAny.size()) : listen);
}

Expected<Origin> daemon_origin(const CommandLine& line) {
  Origin origin;
  std::string text;
  if (line.top.url) {
    text = *line.top.url;
  } else {
    RCACHED_TRY(const auto loaded, load_config(config_request(line)));
    text = local_url(loaded.config.http.listen);
    origin.host = host_name();
  }
  auto url = top::parse_url(text);
  if (!url) {
    return fail(ErrorCode::config,
                fmt::format("http.listen is not an address to connect to: {}", url.error()),
                "set the daemon's address with --url");
  }
  if (origin.host.empty()) origin.host = url->authority;
  top::ApiClientOptions options;
  options.user = line.top.user;
  if (!options.user.empty()) {
    const char* password = std::getenv(kPasswordVariable);
    if (password == nullptr || options.user.find(':') != std::string::npos) {
      return fail(ErrorCode::usage,
                  password == nullptr
                      ? fmt::format("no password for '{}'", printable(options.user))
                      : fmt::format("a user name cannot contain a colon: '{}'", printable(options.user)),
                  password == nullptr ? fmt::format("set the environment variable {}", kPasswordVariable)
                                      : "see the basic_auth_users of the daemon's web configuration");
    }
    options.password = password;
  }
  origin.source = std::make_shared<top::DaemonSource>(
      std::make_shared<top::ApiClient>(std::move(*url), std::move(options)));
  return origin;
}

Expected<Origin> own_origin(const CommandLine& line) {
  RCACHED_TRY(const auto loaded, load_config(config_request(line)));
  const Config& config = loaded.config;
  Origin origin;
  if (config.source == SourceKind::kernel) {
    auto lock = InstanceLock::acquire(config.run_directory);
    if (!lock) {
      Error error = lock.error();
      if (error.code == ErrorCode::second_instance) error.hint = "omit --source to show that instance";
      return tl::unexpected(std::move(error));
    }
    origin.lock.emplace(std::move(*lock));
  }
  RCACHED_CHECK(check_host(config));
  RCACHED_TRY(auto made, make_pipeline(config));
  origin.pipeline = std::move(made);
  RCACHED_CHECK(origin.pipeline->start());
  origin.host = host_name();
  origin.source = std::make_shared<top::ViewPictures>(origin.pipeline);
  return origin;
}

Expected<Origin> make_origin(const CommandLine& line) {
  return line.top.own_source ? own_origin(line) : daemon_origin(line);
}

top::Charset charset_of_locale() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? top::Charset::utf8 : top::Charset::ascii;
}

bool wants_colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color == nullptr || *no_color == '\0';
}

int plain_width() {
  if (const auto size = top::terminal_size()) return size->columns;
  const char* columns = std::getenv("COLUMNS");
  const auto width = columns == nullptr ? std::nullopt : parse_integer(columns);
  return width && *width >= 20 && *width <= 1000 ? static_cast<int>(*width) : kDefaultWidth;
}

// Text from a server on one line, safe for a terminal.
std::string harmless(const std::string& text, top::Charset charset) {
  top::Grid grid(1, top::text_width(text, charset), charset);
  grid.put(0, 0, text);
  return grid.line(0);
}

// An error that may contain text from a server.
tl::unexpected<Error> printable_error(const Error& error, top::Charset charset) {
  return fail(error.code, harmless(error.message, charset), harmless(error.hint, charset));
}

Expected<void> check_domain(const top::TopData& data, const std::string& label) {
  if (label.empty() || data.detail) return {};
  constexpr std::size_t kMaxShown = 10;
  std::string known;
  for (std::size_t i = 0; i < std::min(kMaxShown, data.domains.domains.size()); ++i)
    known += (i == 0 ? "" : ", ") + printable(data.domains.domains[i].label);
  if (data.domains.domains.size() > kMaxShown) known += ", ...";
  return fail(ErrorCode::usage, fmt::format("there is no domain '{}'", printable(label)),
              known.empty() ? "no domain is known yet" : "known domains: " + known);
}

// One run of the command.
class Top {
 public:
  Top(const CommandLine& line, std::FILE* out, top::Charset charset)
      : line_(line), out_(out), charset_(charset) {
    if (const auto column = top::column_by_name(line.top.sort)) state_.order = top::first_order(*column);
    if (!line.domain.empty()) {
      state_.selected = line.domain;
      state_.view = top::ViewKind::domain;
    }
  }

  Expected<void> once() {
    RCACHED_TRY(auto origin, make_origin(line_));
    if (origin.pipeline) await_views(*origin.pipeline);
    const auto picture = origin.source->picture(line_.domain);
    if (!picture) return printable_error(picture.error(), charset_);
    if (auto good = check_domain(picture->data, line_.domain); !good) return good;
    return print(origin.host, *picture);
  }

  Expected<void> live() {
    TerminalSignals signals;  // before the first thread
    const bool draws = !line_.json && top::terminal_can_draw();
    std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> kept;
    if (draws) kept = keep_log();
    auto result = follow(signals, draws);
    if (kept) {
      for (const std::string& message : kept->last_formatted()) fmt::print(stderr, "{}", message);
    }
    return result;
  }

 private:
  // Slopes need more than one snapshot.
  static void await_views(const Pipeline& pipeline) {
    pipeline.wait_for_view(kFirstViewLimit);
    constexpr int kSnapshots = 2;
    for (int i = 0; i < kSnapshots; ++i) {
      const auto seen = pipeline.view();
      pipeline.wait_for_newer(seen, kFirstViewLimit);
    }
  }

  // Log messages must not overwrite the screen: they are printed afterwards.
  static std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> keep_log() {
    constexpr std::size_t kMessages = 64;
    auto sink = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(kMessages);
    sink->set_formatter(make_log_formatter(choose_log_style(STDERR_FILENO)));
    auto logger = std::make_shared<spdlog::logger>("top", sink);
    logger->set_level(spdlog::level::warn);
    spdlog::set_default_logger(std::move(logger));
    return sink;
  }

  Expected<void> follow(TerminalSignals& signals, bool draws) {
    RCACHED_TRY(auto origin, make_origin(line_));
    Poller poller(origin.source, line_.domain, line_.top.interval);
    auto result = follow(signals, draws, origin, poller);
    if (!poller.stop(kEndLimit)) {
      // The poller is blocked in the resolver or in connect(); do not make the user wait for it.
      std::fflush(nullptr);
      if (!result) fmt::print(stderr, "rcached: {}; {}\n", result.error().message, result.error().hint);
      std::_Exit(result ? 0 : static_cast<int>(result.error().code));
    }
    if (origin.pipeline) origin.pipeline->stop();
    return result;
  }

  Expected<void> follow(TerminalSignals& signals, bool draws, const Origin& origin, Poller& poller) {
    auto first = next_result(signals, poller);
    if (!first) return {};
    if (!*first && first->error().code != ErrorCode::not_ready)
      return printable_error(first->error(), charset_);
    if (*first) {
      if (auto good = check_domain((*first)->data, line_.domain); !good) return good;
    }
    if (draws) {
      if (const auto screen = top::Screen::open(wants_colours())) {
        top::Interactive(*screen, poller, signals, origin.host, state_, charset_).run(std::move(*first));
        return {};
      }
    }
    return print_all(signals, poller, origin, std::move(*first));
  }

  // nullopt: ended by a signal.
  static std::optional<Poller::Result> next_result(TerminalSignals& signals, Poller& poller) {
    for (;;) {
      std::array<pollfd, 2> watched = {{{signals.fd(), POLLIN, 0}, {poller.ready_fd(), POLLIN, 0}}};
      ::poll(watched.data(), watched.size(), -1);
      while (const auto signal = signals.take()) {
        if (TerminalSignals::ends(*signal)) return std::nullopt;
        if (*signal == SIGTSTP) std::raise(SIGSTOP);
      }
      if (auto result = poller.take()) return result;
    }
  }

  // Screens or lines one after another, until a signal or until the pipe is closed.
  Expected<void> print_all(TerminalSignals& signals, Poller& poller, const Origin& origin,
                           Poller::Result first) {
    std::optional<Poller::Result> result = std::move(first);
    std::optional<top::TopData> printed;
    std::string reported;
    while (result) {
      if (!*result) {
        // Report it once, not at every interval.
        if (const Error& error = result->error(); error.message != reported) {
          fmt::print(stderr, "rcached: {}; trying again\n", harmless(error.message, charset_));
          reported = error.message;
        }
      } else if (!printed || *printed != (*result)->data) {
        reported.clear();
        if (printed && !line_.json) fmt::print(out_, "\n");
        if (auto good = print(origin.host, **result); !good) return good;
        if (gone_) return {};
        printed = std::move((*result)->data);
      }
      result = next_result(signals, poller);
    }
    return {};
  }

  Expected<void> print(const std::string& host, const top::TopPicture& picture) {
    meter_.add(picture.data.status);
    const std::string text = line_.json ? top::json_line(picture) + "\n"
                                        : top::render_plain({&picture.data, host, meter_.per_second(), ""},
                                                            state_, plain_width(), charset_)
                                              .text();
    if (std::fwrite(text.data(), 1, text.size(), out_) == text.size() && std::fflush(out_) == 0) return {};
    gone_ = errno == EPIPE;
    if (gone_) return {};
    return fail(ErrorCode::internal, fmt::format("cannot write: {}", std::strerror(errno)),
                "check the target of standard output");
  }

  const CommandLine& line_;
  std::FILE* out_;
  const top::Charset charset_;
  top::UiState state_;
  top::EventMeter meter_;
  bool gone_ = false;  // the output pipe was closed
};

}  // namespace

Expected<void> top_command(const CommandLine& command_line, std::FILE* out) {
  const top::Charset charset = charset_of_locale();
  setup_logging(LogLevel::warning, choose_log_style(STDERR_FILENO));
  Top run(command_line, out, charset);
  return command_line.top.once ? run.once() : run.live();
}

}  // namespace rcached
