// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/answer.h"

#include <fmt/format.h>
#include <poll.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>

namespace rcached {
namespace {

bool has(const HeaderList& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first.size() == name.size() &&
           ::strncasecmp(header.first.data(), name.data(), name.size()) == 0;
  });
}

void add(std::string& head, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(head), "{}: ", name);
  std::copy_if(value.begin(), value.end(), std::back_inserter(head),
               [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  head += "\r\n";
}

class Stream final : public HttpStream {
 public:
  // `fd`: the connection's, or -1 if unknown; then a disconnected client is noticed only by the next write().
  Stream(int fd, const std::atomic<bool>& stopping, std::function<bool(std::string_view)> write)
      : fd_(fd), stopping_(stopping), write_(std::move(write)) {}

  bool write(std::string_view bytes) override {
    if (open() && !write_(bytes)) gone_ = true;
    return open();
  }

  bool open() const override {
    if (gone_ || stopping_) return false;
    pollfd poll{fd_, POLLRDHUP,
                0};  // a stream's client sends nothing more: end of input means it has disconnected
    if (fd_ >= 0 && ::poll(&poll, 1, 0) == 1) gone_ = true;
    return !gone_;
  }

 private:
  const int fd_;
  const std::atomic<bool>& stopping_;
  const std::function<bool(std::string_view)> write_;
  mutable bool gone_ = false;
};

}  // namespace

std::string render_head(const HttpResponse& response, const HeaderList& extra) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) add(head, "Content-Type", response.content_type);
  if (response.stream) {
    add(head, "X-Accel-Buffering", "no");
  } else if (!bodiless) {
    const std::size_t shared = response.shared_body ? response.shared_body->size() : 0;
    add(head, "Content-Length", std::to_string(shared + response.body.size()));
  }
  add(head, "Connection", "close");
  for (const auto& [name, value] : response.headers) add(head, name, value);
  for (const auto& [name, value] : extra) {
    if (!has(response.headers, name)) add(head, name, value);
  }
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOwn = {
      {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
  for (const auto& [name, value] : kOwn) {
    if (!has(response.headers, name) && !has(extra, name)) add(head, name, value);
  }
  return head + "\r\n";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

HttpResponse plain_answer(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

HttpResponse plain_answer(int status, std::string text, std::chrono::milliseconds retry_after) {
  HttpResponse response = plain_answer(status, std::move(text));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
  response.headers = {{"Retry-After", std::to_string(std::max<long>(1, seconds))}};
  return response;
}

// CivetWeb takes lengths as size_t but reports what it sent as int.
bool Reply::write(std::string_view data) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  while (!data.empty()) {
    const std::size_t length = std::min(data.size(), kPiece);
    if (mg_write(connection_, data.data(), length) != static_cast<int>(length)) return false;
    data.remove_prefix(length);
  }
  return true;
}

void Reply::send(const HttpResponse& response, const HeaderList& extra, bool with_body) {
  const std::string_view shared =
      response.shared_body ? std::string_view(*response.shared_body) : std::string_view();
  const std::string head = render_head(response, extra);
  const bool body_follows = with_body && !response.stream && response.status != 204 && response.status != 304;
  guard_.sending(guarded_, head.size() + (body_follows ? shared.size() + response.body.size() : 0), false);
  if (write(head) && body_follows && write(shared)) write(response.body);
  guard_.idle(guarded_);
}

void Reply::stream(const HttpResponse& response, const HeaderList& extra, const std::atomic<bool>& stopping) {
  Stream stream(guard_.socket(guarded_), stopping, [this](std::string_view bytes) {
    guard_.sending(guarded_, bytes.size(), true);
    const bool good = write(bytes);
    guard_.idle(guarded_);
    return good;
  });
  if (stream.write(render_head(response, extra))) response.stream(stream);
}

}  // namespace rcached
