// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/plain_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "base/text.h"
#include "base/yaml_text.h"

namespace rcached {
namespace {

// Looks at all of a document as it is written, which the nodes no longer show. The first finding stands.
class Inspector final : public YAML::EventHandler {
 public:
  using Style = YAML::EmitterStyle::value;

  Inspector(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}
  const std::optional<Error>& finding() const { return finding_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { look(mark, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    found(mark, "an alias is not taken in a configuration", "write the value itself");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string&) override {
    look(mark, tag, anchor);
    if (is_open_quote(text_, static_cast<std::size_t>(mark.pos)))
      found(mark, "a quote is not closed", "close it");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       Style) override {
    look(mark, tag, anchor);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Style) override {
    look(mark, tag, anchor);
  }
  void OnMapEnd() override {}

 private:
  // "?" and "!" are what yaml-cpp calls the tags of plain and of quoted scalars.
  void look(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      found(mark, "an anchor is not taken in a configuration",
            "remove it, and write the value itself where it was referred to");
    if (!tag.empty() && tag != "?" && tag != "!")
      found(mark, fmt::format("the tag '{}' is not taken in a configuration", printable(tag)),
            "remove it: the keys know what their values are");
  }

  void found(const YAML::Mark& mark, std::string_view what, std::string hint) {
    if (finding_) return;
    finding_ =
        Error{ErrorCode::config, fmt::format("{} ({})", what, yaml_place(origin_, mark)), std::move(hint)};
  }

  const std::string_view text_;
  const std::string& origin_;
  std::optional<Error> finding_;
};

Expected<void> check_keys(const YAML::Node& node, const std::string& section, const std::string& origin) {
  if (node.IsSequence()) {
    for (const auto& element : node) {
      if (auto good = check_keys(element, section, origin); !good) return good;
    }
    return {};
  }
  if (!node.IsMap()) return {};
  // yaml-cpp keeps a repeated key twice in the map and finds the first: a silent loss of the second.
  std::map<std::string, YAML::Mark> seen;
  for (const auto& pair : node) {
    const YAML::Node& name = pair.first;
    if (!name.IsScalar()) {
      return fail(ErrorCode::config,
                  fmt::format("a key is not a plain word ({})", yaml_place(origin, name.Mark())),
                  "write 'key: value'");
    }
    const std::string path = section.empty() ? name.Scalar() : fmt::format("{}.{}", section, name.Scalar());
    const auto [first, is_new] = seen.emplace(name.Scalar(), name.Mark());
    if (!is_new) {
      return fail(ErrorCode::config,
                  fmt::format("key '{}' is given twice ({}, first in line {})", printable(path),
                              yaml_place(origin, name.Mark()), first->second.line + 1),
                  "remove one of them");
    }
    if (auto good = check_keys(pair.second, path, origin); !good) return good;
  }
  return {};
}

// Valid UTF-8 is what valid_utf8() leaves as it is.
Expected<void> check_encoding(std::string_view text, const std::string& origin) {
  const std::string valid = valid_utf8(text);
  if (valid == text) return {};
  const auto at = std::mismatch(text.begin(), text.end(), valid.begin(), valid.end()).first;
  return fail(ErrorCode::config,
              fmt::format("the file is not UTF-8 ({}:{})", origin, std::count(text.begin(), at, '\n') + 1),
              "save it as UTF-8");
}

}  // namespace

std::string yaml_place(const std::string& origin, const YAML::Mark& mark) {
  if (mark.is_null() || mark.line < 0) return origin;
  return fmt::format("{}:{}:{}", origin, mark.line + 1, mark.column + 1);
}

Expected<YAML::Node> load_plain_yaml(std::string_view text, const std::string& origin) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // yaml-cpp does not count it in its marks
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto document = load_yaml(text, origin);
  if (!document) return tl::unexpected(document.error());
  RCACHED_CHECK(check_encoding(text, origin));
  try {
    std::istringstream in{std::string(text)};
    Inspector inspector(text, origin);
    YAML::Parser(in).HandleNextDocument(inspector);
    if (inspector.finding()) return tl::unexpected(*inspector.finding());
    RCACHED_CHECK(check_keys(*document, "", origin));
  } catch (const YAML::Exception& error) {
    return tl::unexpected(yaml_error(error, origin));
  }
  return *document;
}

}  // namespace rcached
