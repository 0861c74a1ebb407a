// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/fetch.h"

#include <fmt/format.h>

#include <utility>

#include "base/monotonic_clock.h"
#include "base/process_figures.h"
#include "exporters/api/answers.h"
#include "exporters/api/json.h"
#include "exporters/api/request.h"
#include "view/domain_names.h"

namespace rcached::top {
namespace {

constexpr int kTries = 3;

// GETs and parses. An invalid response is an error that names the path.
template <typename T>
Expected<T> ask(JsonSource& source, const std::string& path, std::string& body) {
  RCACHED_TRY(body, source.get(path));
  auto answer = api::from_json<T>(body);
  if (!answer) {
    return fail(answer.error().code, fmt::format("invalid response to {}: {}", path, answer.error().message),
                answer.error().hint);
  }
  return answer;
}

Expected<void> ask_domain(JsonSource& source, const std::string& label, TopPicture& picture) {
  const std::string path = "/api/v1/domains/" + percent_encode(label);
  std::string body, history_body;
  auto detail = ask<DomainDetail>(source, path, body);
  if (!detail) {
    if (detail.error().code == ErrorCode::not_found) return {};
    return tl::unexpected(detail.error());
  }
  picture.bodies->domain = std::move(body);
  picture.data.detail = std::move(*detail);
  auto history = ask<History>(source, path + "/history", history_body);
  if (history) picture.data.history = std::move(*history);
  if (!history && history.error().code != ErrorCode::not_found) return tl::unexpected(history.error());
  return {};
}

Expected<TopPicture> ask_all(JsonSource& source, const std::string& label) {
  TopPicture picture;
  TopPicture::Bodies& bodies = picture.bodies.emplace();
  TopData& data = picture.data;
  RCACHED_TRY(data.domains, ask<Domains>(source, "/api/v1/domains", bodies.domains));
  RCACHED_TRY(data.status, ask<Status>(source, "/api/v1/status", bodies.status));
  RCACHED_TRY(data.notes, ask<Notes>(source, "/api/v1/notes", bodies.notes));
  if (!label.empty()) RCACHED_CHECK(ask_domain(source, label, picture));
  return picture;
}

bool of_one_snapshot(const TopData& data) {
  const Figure time = data.domains.time;
  return data.status.time == time && data.notes.time == time && (!data.detail || data.detail->time == time);
}

}  // namespace

Expected<TopPicture> DaemonSource::picture(const std::string& label) {
  for (int tries = 1;; ++tries) {
    auto picture = ask_all(*source_, label);
    if (!picture || of_one_snapshot(picture->data) || tries == kTries) return picture;
  }
}

Expected<TopPicture> ViewPictures::picture(const std::string& label) {
  std::shared_ptr<const View> view = source_->view();
  if (view == nullptr) return tl::unexpected(api::not_ready());
  if (view == view_ && label == label_) return picture_;
  const auto domains = named_domains(*view);
  const std::uint64_t now_ns = monotonic_now_ns();
  TopData data;
  data.domains = api::domains_answer(*view, domains, now_ns);
  data.status = api::status_answer(*view, read_process_figures());
  data.notes = api::notes_answer(*view);
  const NamedDomain* const found = label.empty() ? nullptr : api::find_domain(domains, label);
  if (found != nullptr) {
    data.detail = api::domain_answer(*view, *found, now_ns);
    data.history = api::history_answer(*view, *found);
  }
  view_ = std::move(view);
  label_ = label;
  picture_ = {std::move(data), std::nullopt};
  return picture_;
}

Fetched judge_answer(int status, std::string body, const std::string& where) {
  if (status == 200) return body;
  const api::Problem reported = api::from_json<api::ErrorAnswer>(body).value_or(api::ErrorAnswer{}).error;
  const auto error = [&](std::string message, std::string hint) {
    if (!reported.message.empty()) message = fmt::format("{} reports: {}", where, reported.message);
    if (!reported.hint.empty()) hint = reported.hint;
    return fail(api::code_of_status(status), std::move(message), std::move(hint));
  };
  switch (status) {
    case 401:
    case 403:
      return fail(api::code_of_status(status),
                  fmt::format("{} rejects the user name or the password (status {})", where, status),
                  "use --user NAME, and set the password in the environment variable RCACHED_PASSWORD");
    case 404:
      return error(fmt::format("{} does not have the API of rcached (status 404)", where),
                   "check the address, or update the rcached running there");
    case 429:
      return error(fmt::format("{} limits the rate of requests (status 429)", where),
                   "raise http.rate in its configuration, or --interval here");
    case 503:
      return error(fmt::format("{} is not ready (status 503)", where), "try again in a moment");
    default:
      return error(fmt::format("{} responds with status {}", where, status),
                   "check the address, and the log of rcached");
  }
}

std::string percent_encode(std::string_view label) {
  std::string out;
  for (const char c : label) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string json_line(const TopPicture& picture) {
  constexpr auto kEscape = api::Escape::non_ascii;
  const auto line = [](const std::string& domains, const std::string& status, const std::string& notes,
                       const std::optional<std::string>& domain) {
    std::string out = fmt::format(R"({{"domains":{},"status":{},"notes":{})", domains, status, notes);
    if (domain) out += R"(,"domain":)" + *domain;
    return out + "}";
  };
  if (!picture.bodies) {
    const TopData& data = picture.data;
    std::optional<std::string> domain;
    if (data.detail) domain = api::to_json(*data.detail, kEscape);
    return line(api::to_json(data.domains, kEscape), api::to_json(data.status, kEscape),
                api::to_json(data.notes, kEscape), domain);
  }
  const auto rewritten = [](const std::string& body) {
    return api::rewritten_json(body, kEscape).value_or("null");
  };
  const TopPicture::Bodies& bodies = *picture.bodies;
  return line(rewritten(bodies.domains), rewritten(bodies.status), rewritten(bodies.notes),
              bodies.domain ? std::optional(rewritten(*bodies.domain)) : std::nullopt);
}

}  // namespace rcached::top
