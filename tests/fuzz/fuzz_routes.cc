// SPDX-License-Identifier: Apache-2.0
// HTTP requests as passed to the routes. Lines of the input: the path, the query, Accept, Accept-Encoding, and
// then one for every other header. No request may cause an exception, an invalid status, a header with a line
// break, or invalid JSON.
#include <nlohmann/json.hpp>

#include "daemon/command/routes.h"
#include "exporters/http/route_table.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/kit/sample_view.h"

using namespace rcached;
using fuzz::check;

namespace {

// Disconnects at the first write.
class ShortStream final : public HttpStream {
 public:
  bool write(std::string_view /*bytes*/) override { return open_ = false; }
  bool open() const override { return open_; }

 private:
  bool open_ = true;
};

bool ends_the_head(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

void check_answer(const Route& route, const HttpResponse& response) {
  check(response.status >= 200 && response.status < 600, "a valid status", route.path);
  check(!ends_the_head(response.content_type), "Content-Type is one line", response.content_type);
  bool encoded = false;
  for (const auto& [name, value] : response.headers) {
    check(!ends_the_head(name + value), "headers are one line", name);
    encoded |= name == "Content-Encoding";
  }
  if (response.stream || encoded || !response.content_type.starts_with("application/json")) return;
  const std::string body = (response.shared_body ? *response.shared_body : std::string()) + response.body;
  check(nlohmann::json::accept(body), "valid JSON", body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const RouteTable table(
      standard_routes(std::make_shared<testing::SettableSource>(testing::hostile_view())));
  std::string_view text = fuzz::text_of(data, size);
  HttpRequest request;
  request.method = "GET";
  request.path = fuzz::take_line(text);
  const RouteTable::Match match = table.find(request.path);
  if (match.route == nullptr) return 0;
  request.parameter = match.parameter;
  check(match.parameter.find('/') == std::string_view::npos, "one segment", match.parameter);
  request.query = fuzz::take_line(text);
  const std::string_view accept = fuzz::take_line(text);
  const std::string_view encoding = fuzz::take_line(text);
  request.header = [&](std::string_view name) {
    if (name == "Accept" || name == "accept") return accept;
    if (name == "Accept-Encoding" || name == "accept-encoding") return encoding;
    return text;
  };
  HttpResponse response = match.route->get(request);
  check_answer(*match.route, response);
  if (response.stream) {
    ShortStream stream;
    response.stream(stream);
  }
  return 0;
}
