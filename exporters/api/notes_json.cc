// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/notes_json.h"

#include "exporters/api/json.h"

namespace rcached::api {
namespace {

Json note_json(const Note& note) {
  return {{"number", note.number},
          {"time", static_cast<double>(note.unix_ms) / 1e3},
          {"kind", text(note.kind)},
          {"domain", note.domain.empty() ? Json() : text(note.domain)},
          {"text", text(note.text)}};
}

}  // namespace

std::string notes_body(const View& view, std::optional<std::uint64_t> after) {
  Json list = Json::array();
  if (view.notes) {
    for (auto note = view.notes->rbegin(); note != view.notes->rend(); ++note) {
      if (after && note->number <= *after) break;  // numbers rise
      list.push_back(note_json(*note));
    }
  }
  return dump({{"time", unix_time(view.snapshot.time_ns, view.status.unix_minus_monotonic_ns)},
               {"notes", std::move(list)}});
}

}  // namespace rcached::api
