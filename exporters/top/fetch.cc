// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/fetch.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "exporters/top/parse.h"

namespace rcached::top {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kTries = 3;

// GETs and parses; an answer that cannot be understood is an error with the path in it.
template <typename T>
Expected<T> ask(JsonSource& source, const std::string& path, Parsed<T> (*parse)(std::string_view),
                std::string& body) {
  Fetched fetched = source.get(path);
  if (!fetched) return tl::unexpected(fetched.error());
  Parsed<T> parsed = parse(*fetched);
  if (!parsed) {
    return tl::unexpected(Error{ErrorCode::bad_answer,
                                fmt::format("{} cannot be understood: {}", path, parsed.error()),
                                "check that the address is that of an rcached, of a version like this one"});
  }
  body = std::move(*fetched);
  return std::move(*parsed);
}

Expected<void> ask_domain(JsonSource& source, const std::string& label, TopPicture& picture) {
  const std::string path = "/api/v1/domains/" + percent_encode(label);
  std::string body, history_body;
  auto detail = ask(source, path, parse_domain, body);
  if (!detail) {
    if (detail.error().code == ErrorCode::not_found) return {};
    return tl::unexpected(detail.error());
  }
  picture.bodies.domain = std::move(body);
  picture.data.detail = std::move(*detail);
  auto history = ask(source, path + "/history", parse_history, history_body);
  if (history) picture.data.history = std::move(*history);
  if (!history && history.error().code != ErrorCode::not_found) return tl::unexpected(history.error());
  return {};
}

// `whole` becomes whether all answers are of one snapshot.
Expected<TopPicture> ask_all(JsonSource& source, const std::string& label, bool& whole) {
  TopPicture picture;
  RCACHED_TRY(auto domains, ask(source, "/api/v1/domains", parse_domains, picture.bodies.domains));
  picture.data.domains = std::move(domains);
  RCACHED_TRY(auto status, ask(source, "/api/v1/status", parse_status, picture.bodies.status));
  picture.data.status = std::move(status);
  auto notes = ask(source, "/api/v1/notes", parse_notes, picture.bodies.notes);
  if (!notes) return tl::unexpected(notes.error());
  picture.data.notes = std::move(notes->notes);
  if (!label.empty()) {
    RCACHED_CHECK(ask_domain(source, label, picture));
  }
  const TopData& data = picture.data;
  const Figure time = data.domains.time;
  whole = data.status.time == time && notes->time == time && (!data.detail || data.detail->time == time);
  return picture;
}

}  // namespace

Expected<TopPicture> fetch_top(JsonSource& source, const std::string& label) {
  for (int tries = 1;; ++tries) {
    bool whole = false;
    auto picture = ask_all(source, label, whole);
    if (!picture || whole || tries == kTries) return picture;
  }
}

std::string json_line(const TopBodies& bodies) {
  const auto parsed = [](const std::string& body) { return parse_json(body).value_or(Json()); };
  Json out = {{"domains", parsed(bodies.domains)},
              {"status", parsed(bodies.status)},
              {"notes", parsed(bodies.notes)}};
  if (bodies.domain) out["domain"] = parsed(*bodies.domain);
  return out.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace rcached::top
