// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/notes_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/kit/sample_view.h"

namespace rcached::api {
namespace {

using nlohmann::json;
using testing::sample_view;

json notes(const View& view, std::optional<std::uint64_t> after = std::nullopt) {
  return json::parse(notes_body(view, after));
}

TEST(NotesJson, NewestFirstWithEveryValueFromItsPlace) {
  const json should = json::parse(R"({"time": 1700000001.0, "notes": [
    {"number": 8, "time": 1700000001.456, "kind": "depot-overflow", "domain": "4",
     "text": "the depot of order 2 is full"},
    {"number": 7, "time": 1700000000.123, "kind": "events-lost", "domain": null,
     "text": "3 events were lost"}]})");
  EXPECT_EQ(json::diff(should, notes(sample_view(kProfile61))), json::array());
}

TEST(NotesJson, AfterLeavesOutWhatIsKnown) {
  const View view = sample_view(kProfile61);
  EXPECT_EQ(notes(view, 0)["notes"].size(), 2u);
  EXPECT_EQ(notes(view, 6)["notes"].size(), 2u);
  ASSERT_EQ(notes(view, 7)["notes"].size(), 1u);
  EXPECT_EQ(notes(view, 7)["notes"][0]["number"], 8);
  EXPECT_EQ(notes(view, 8)["notes"].size(), 0u);
}

TEST(NotesJson, NoneIsAnEmptyArray) {
  const json expected = {{"time", nullptr}, {"notes", json::array()}};
  EXPECT_EQ(notes(View{}), expected);
}

TEST(NotesJson, InvalidUtf8IsReplaced) {
  View view = sample_view(kProfile61);
  view.notes = std::make_shared<const std::vector<Note>>(
      std::vector<Note>{{.number = 1, .unix_ms = 0, .kind = "\xff", .domain = "\xfe", .text = "a\xc3\"b"}});
  const json note = notes(view)["notes"][0];
  EXPECT_EQ(note["kind"], "\xef\xbf\xbd");
  EXPECT_EQ(note["domain"], "\xef\xbf\xbd");
  EXPECT_EQ(note["text"], "a\xef\xbf\xbd\"b");
}

}  // namespace
}  // namespace rcached::api
