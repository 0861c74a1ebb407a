// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_text.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <vector>

#include "base/text.h"

namespace rcached {
namespace {

// Notes where the documents of a text begin.
class DocumentStarts final : public YAML::EventHandler {
 public:
  using Style = YAML::EmitterStyle::value;
  std::vector<YAML::Mark> marks;

  void OnDocumentStart(const YAML::Mark& mark) override { marks.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, Style) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, Style) override {}
  void OnMapEnd() override {}
};

// The first two at most. YAML::LoadAll() must not be asked: where yaml-cpp 0.7 meets a comma outside of a
// list it makes empty documents of it without end, and never comes back.
std::vector<YAML::Mark> document_starts(std::string_view text) {
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  DocumentStarts starts;
  while (starts.marks.size() < 2 && parser.HandleNextDocument(starts)) {
  }
  return starts.marks;
}

std::string place(const std::string& origin, const YAML::Mark& mark) {
  if (mark.is_null() || mark.line < 0) return origin;
  return fmt::format("{}:{}:{}", origin, mark.line + 1, mark.column + 1);
}

Error malformed(std::string_view what, const std::string& where) {
  return {ErrorCode::config, fmt::format("malformed YAML: {} ({})", printable(what), where),
          "correct the syntax there"};
}

}  // namespace

Expected<YAML::Node> load_yaml(std::string_view text, const std::string& origin) {
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n') + 1;
    return tl::unexpected(Error{ErrorCode::config,
                                fmt::format("the file holds a NUL byte ({}:{})", origin, line),
                                "give a text file"});
  }
  try {
    const std::vector<YAML::Mark> starts = document_starts(text);
    if (starts.size() > 1) {
      const YAML::Mark& second = starts[1];
      if (text.substr(std::min(static_cast<std::size_t>(second.pos), text.size())).starts_with(',')) {
        return tl::unexpected(malformed("a comma outside of a list", place(origin, second)));
      }
      return tl::unexpected(
          Error{ErrorCode::config,
                fmt::format("the file holds more than one YAML document ({})", place(origin, second)),
                "remove the '---' lines after the first document"});
    }
    return YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    return tl::unexpected(yaml_error(error, origin));
  } catch (const std::exception& error) {
    return tl::unexpected(malformed(error.what(), origin));
  }
}

Error yaml_error(const YAML::Exception& error, const std::string& origin) {
  return malformed(error.msg, place(origin, error.mark));
}

bool is_open_quote(std::string_view text, std::size_t at) {
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return false;
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!doubled) return false;
      ++at;
    }
  }
  return true;
}

}  // namespace rcached
