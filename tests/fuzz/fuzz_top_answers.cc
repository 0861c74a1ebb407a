// SPDX-License-Identifier: Apache-2.0
// Responses of an arbitrary server to `rcached top`. Lines of the input: the bodies of domains, status, notes, one
// domain and its history. Valid responses are drawn in every view, and the output contains no escape sequences.
#include <algorithm>
#include <clocale>
#include <memory>
#include <nlohmann/json.hpp>

#include "exporters/api/json.h"
#include "exporters/top/fetch.h"
#include "exporters/top/render.h"
#include "tests/fuzz/support/exposition.h"
#include "tests/fuzz/support/fuzz.h"

using namespace rcached;
using namespace rcached::top;
using fuzz::check;

namespace {

class Answers final : public JsonSource {
 public:
  explicit Answers(std::string_view text) {
    for (std::string_view* body : {&domains_, &status_, &notes_, &domain_, &history_})
      *body = fuzz::take_line(text);
  }
  Fetched get(const std::string& path) override {
    if (path.ends_with("/domains")) return std::string(domains_);
    if (path.ends_with("/status")) return std::string(status_);
    if (path.ends_with("/notes")) return std::string(notes_);
    return std::string(path.ends_with("/history") ? history_ : domain_);
  }
  void cancel() override {}

 private:
  std::string_view domains_, status_, notes_, domain_, history_;
};

void check_screen(const Grid& grid, Size size) {
  check(grid.rows() == size.rows && grid.columns() == size.columns, "the screen has the requested size");
  std::string text = grid.text();
  check(fuzz::is_utf8(text), "a screen is UTF-8", text);
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  check(fuzz::is_printable(text), "no control characters", text);
}

void check_line(const TopPicture& picture) {
  const std::string line = json_line(picture);
  check(nlohmann::json::accept(line) && line.find('\n') == std::string::npos, "--json is one line of JSON",
        line);
}

void draw(const TopData& data) {
  const Picture picture{.data = &data, .host = "host", .events_per_second = {}, .problem = {}};
  for (std::size_t view = 0; view < kViews; ++view) {
    for (const Size size : {Size{24, 80}, Size{3, 9}}) {
      for (const Charset charset : {Charset::utf8, Charset::ascii}) {
        UiState state;
        state.view = static_cast<ViewKind>(view);
        check_screen(render_screen(picture, state, size, charset), size);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const char* const locale = std::setlocale(LC_CTYPE, "C.UTF-8");
  const std::string_view text = fuzz::text_of(data, size);
  (void)judge_answer(500, std::string(text), "http://x");
  const auto picture = DaemonSource(std::make_shared<Answers>(text)).picture("4");
  if (!picture) {
    check(!picture.error().message.empty(), "the error has a message");
    return 0;
  }
  check_line(*picture);
  check_line({picture->data, std::nullopt});
  const auto again = api::from_json<Domains>(api::to_json(picture->data.domains));
  check(again && *again == picture->data.domains, "parsing the written JSON gives the same data");
  draw(picture->data);
  return 0;
}
