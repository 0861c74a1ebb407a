// SPDX-License-Identifier: Apache-2.0
#include "exporters/http/reply.h"

#include <poll.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace rcached {
namespace {

class Stream final : public HttpStream {
 public:
  // `fd`: the connection's, or -1 when it cannot be told; then a client that has gone is noticed by the next
  // write() only.
  Stream(int fd, const std::atomic<bool>& stopping, std::function<bool(std::string_view)> write)
      : fd_(fd), stopping_(stopping), write_(std::move(write)) {}

  bool write(std::string_view bytes) override {
    if (open() && !write_(bytes)) gone_ = true;
    return open();
  }

  bool open() const override {
    if (gone_ || stopping_) return false;
    pollfd poll{fd_, POLLRDHUP,
                0};  // a client of a stream has nothing more to send: when it ends, it has gone
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
