// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <exception>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/nearest.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace rcached {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;

YamlMark from_yaml_cpp(const YAML::Mark& mark) {
  if (mark.is_null() || mark.line < 0) return {};
  return {mark.line + 1, mark.column + 1};
}

std::string place_of(const std::string& origin, const YamlMark& mark) {
  return mark.line == 0 ? origin : fmt::format("{}:{}:{}", origin, mark.line, mark.column);
}

std::string join_path(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

Error malformed(std::string_view what, const std::string& place) {
  return {ErrorCode::config, fmt::format("malformed YAML: {} ({})", printable(what), place),
          "correct the syntax there"};
}

// True if a quote opens at `at` and is never closed: yaml-cpp then takes the rest of the file as the value.
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

// Builds the tree of the first document and records where a second one begins. Only the first finding is
// kept. Parsing continues after it, because a syntax error takes precedence over any finding.
class Builder final : public YAML::EventHandler {
 public:
  using Style = YAML::EmitterStyle::value;

  Builder(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  YamlNode take_root() { return std::move(root_); }
  const std::optional<Error>& finding() const { return finding_; }
  const std::optional<YAML::Mark>& second_document() const { return second_document_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 1) second_document_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add({}, mark, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(mark, "aliases are not allowed in a configuration", "write the value itself");
    add({}, mark, "", 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (is_open_quote(text_, static_cast<std::size_t>(mark.pos)))
      report(mark, "a quote is not closed", "add the closing quote");
    // yaml-cpp calls the tag of a plain scalar "?", and that of a quoted one "!".
    add({.kind = YamlNode::Kind::scalar, .quoted = tag != "?", .text = value, .entries = {}}, mark, tag,
        anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       Style) override {
    open({.kind = YamlNode::Kind::list, .entries = {}}, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Style) override {
    open({.kind = YamlNode::Kind::map, .entries = {}}, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map that is not yet complete.
  struct Open {
    YamlNode node;
    std::string path;                  // of the node, for messages
    std::map<std::string, int> lines;  // of the keys so far
    std::optional<YamlNode> name;      // of the next value
  };

  void open(YamlNode node, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check(mark, tag, anchor);
    node.mark = from_yaml_cpp(mark);
    std::string path = open_.empty() ? "" : path_of_next();
    open_.push_back({std::move(node), std::move(path), {}, std::nullopt});
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }

  void add(YamlNode node, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check(mark, tag, anchor);
    node.mark = from_yaml_cpp(mark);
    place(std::move(node));
  }

  // Adds a complete node: as the document root, or to the innermost open node.
  void place(YamlNode node) {
    if (documents_ > 1) return;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::list) {
      parent.node.entries.push_back({{}, std::move(node)});
    } else if (!parent.name) {
      check_name(parent, node);
      parent.name = std::move(node);
    } else {
      parent.node.entries.push_back({std::move(*parent.name), std::move(node)});
      parent.name.reset();
    }
  }

  std::string path_of_next() const {
    const Open& parent = open_.back();
    return parent.name ? join_path(parent.path, parent.name->text) : parent.path;
  }

  void check_name(Open& parent, const YamlNode& name) {
    if (name.kind != YamlNode::Kind::scalar) {
      report(name.mark, "a key is not a plain word", "write 'key: value'");
      return;
    }
    const auto [first, is_new] = parent.lines.emplace(name.text, name.mark.line);
    if (is_new || finding_) return;
    finding_ = Error{ErrorCode::config,
                     fmt::format("key '{}' is given twice ({}, first on line {})",
                                 printable(join_path(parent.path, name.text)), place_of(origin_, name.mark),
                                 first->second),
                     "remove one of them"};
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) {
      report(mark, "anchors are not allowed in a configuration",
             "remove it, and write the value itself where it is referenced");
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      report(mark, fmt::format("the tag '{}' is not allowed in a configuration", printable(tag)),
             "remove it: the key determines the type of its value");
    }
  }

  void report(const YAML::Mark& mark, std::string_view what, std::string hint) {
    report(from_yaml_cpp(mark), what, std::move(hint));
  }
  void report(const YamlMark& mark, std::string_view what, std::string hint) {
    if (finding_) return;
    finding_ =
        Error{ErrorCode::config, fmt::format("{} ({})", what, place_of(origin_, mark)), std::move(hint)};
  }

  const std::string_view text_;
  const std::string& origin_;
  int documents_ = 0;
  std::optional<YAML::Mark> second_document_;
  std::optional<Error> finding_;
  YamlNode root_;
  std::vector<Open> open_;
};

// The text must be UTF-8 without NUL bytes: yaml-cpp would guess another encoding.
Expected<void> check_encoding(std::string_view text, const std::string& origin) {
  const auto line = [&](std::size_t at) {
    return std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  };
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return fail(ErrorCode::config, fmt::format("the file contains a NUL byte ({}:{})", origin, line(nul)),
                "save it as plain text");
  }
  const std::string valid = valid_utf8(text);
  if (valid == text) return {};
  const auto at = std::mismatch(text.begin(), text.end(), valid.begin(), valid.end()).first;
  return fail(
      ErrorCode::config,
      fmt::format("the file is not UTF-8 ({}:{})", origin, line(static_cast<std::size_t>(at - text.begin()))),
      "save it as UTF-8");
}

// Reads a document against the keys of a format. Stops at the first error.
class SettingsReader {
 public:
  SettingsReader(const std::string& origin, const YamlFormat& format) : format_(format) {
    result_.origin = origin;
  }

  Expected<YamlSettings> read(const YamlNode& document) {
    if (document.kind == YamlNode::Kind::null) return std::move(result_);
    if (document.kind != YamlNode::Kind::map) {
      return refused("the file is not a map of keys and values", document.mark,
                     fmt::format("write lines such as '{}'", format_.example));
    }
    RCACHED_CHECK(read_section(document, ""));
    return std::move(result_);
  }

 private:
  tl::unexpected<Error> refused(std::string_view what, const YamlMark& mark, std::string hint) const {
    return fail(ErrorCode::config, fmt::format("{} ({})", what, result_.place(mark)), std::move(hint));
  }

  Expected<void> read_section(const YamlNode& map, const std::string& section) {
    for (const auto& [name, value] : map.entries) {
      const std::string path = join_path(section, name.text);
      if (const auto key = find_key(section, path)) {
        RCACHED_CHECK(read_value(*key, path, name, value));
        continue;
      }
      const auto names = format_.names_in(section);
      if (std::find(names.begin(), names.end(), name.text) == names.end())
        return unknown_key(section, path, name);
      if (value.kind == YamlNode::Kind::null) continue;  // a section with all its keys commented out
      if (value.kind != YamlNode::Kind::map) {
        const auto inner = format_.names_in(path);
        return refused(fmt::format("'{}' is a section, not a value", path), value.mark,
                       inner.empty()
                           ? "write its keys indented below it"
                           : fmt::format("write its keys indented below it: {}", fmt::join(inner, ", ")));
      }
      result_.sections.emplace(path, value.mark);
      RCACHED_CHECK(read_section(value, path));
    }
    return {};
  }

  Expected<void> read_value(std::size_t index, const std::string& path, const YamlNode& name,
                            const YamlNode& value) {
    const YamlKey& key = format_.keys[index];
    const std::string shown = printable(path);
    if (!key.unsupported.empty())
      return refused(fmt::format("'{}' is not supported by rcached", shown), name.mark, key.unsupported);
    if (value.kind == YamlNode::Kind::null) {
      return refused(fmt::format("'{}' has no value", shown), name.mark,
                     fmt::format("write {}, or remove the line", key.wanted));
    }
    if (value.kind != YamlNode::Kind::scalar) {
      return refused(fmt::format("'{}' is given {} instead of one value", shown,
                                 value.kind == YamlNode::Kind::map ? "a section" : "a list"),
                     value.mark, fmt::format("write {}", key.wanted));
    }
    result_.settings.push_back({index, path, name.text, value.text, value.mark, name.mark});
    return {};
  }

  // A name may contain dots: "http.listen" at the top level is not the key `listen` of the section `http`.
  std::optional<std::size_t> find_key(const std::string& section, const std::string& path) const {
    for (std::size_t i = 0; i < format_.keys.size(); ++i) {
      const std::string& known = format_.keys[i].path;
      const bool any_name = !section.empty() && known == section + ".*";
      const auto dot = known.rfind('.');
      if (any_name || (known == path && dot == (section.empty() ? std::string::npos : section.size())))
        return i;
    }
    return std::nullopt;
  }

  tl::unexpected<Error> unknown_key(const std::string& section, const std::string& path,
                                    const YamlNode& name) const {
    const std::string what = fmt::format("unknown key '{}'", printable(path));
    const auto did_you_mean = [&](std::string_view other) {
      return refused(what, name.mark, fmt::format("did you mean '{}'?", other));
    };
    const auto is_known = [](const std::string& wanted) {
      return [&wanted](const YamlKey& key) { return key.path == wanted; };
    };
    if (std::any_of(format_.keys.begin(), format_.keys.end(), is_known(path))) {  // written with its dot
      const auto dot = path.rfind('.');
      return refused(
          what, name.mark,
          fmt::format("write '{}' indented below '{}'", path.substr(dot + 1), path.substr(0, dot)));
    }
    const auto names = format_.names_in(section);
    if (const auto near = nearest(name.text, names)) return did_you_mean(join_path(section, *near));
    for (const YamlKey& key : format_.keys) {  // a valid name in the wrong section
      if (key.path.substr(key.path.rfind('.') + 1) == name.text) return did_you_mean(key.path);
    }
    const std::string where = section.empty() ? "at the top level" : fmt::format("in '{}'", section);
    return refused(what, name.mark, fmt::format("known {}: {}", where, fmt::join(names, ", ")));
  }

  const YamlFormat& format_;
  YamlSettings result_;
};

}  // namespace

Expected<std::string> read_yaml_file(const std::string& path, std::string_view what,
                                     std::string missing_hint) {
  const std::string shown = printable(path, PATH_MAX);
  const auto unreadable = [&](int error) {
    std::string hint = "check the path";
    if (error == ENOENT || error == ENOTDIR) hint = std::move(missing_hint);
    if (error == EACCES || error == EPERM) hint = "make the file readable for the user that runs rcached";
    return fail(ErrorCode::config,
                fmt::format("cannot read {}: {} ({})", what, std::system_category().message(error), shown),
                std::move(hint));
  };
  // O_NONBLOCK: opening a FIFO by mistake must not block.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) return unreadable(errno);
  if (S_ISDIR(info.st_mode)) return unreadable(EISDIR);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::config, fmt::format("{} is not a regular file ({})", what, shown),
                "use a regular file");
  }
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kMaxFileBytes) {
      return fail(ErrorCode::config, fmt::format("{} is larger than 1MiB ({})", what, shown),
                  "check the path");
    }
  }
}

Expected<YamlNode> parse_yaml(std::string_view text, const std::string& origin) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // yaml-cpp does not count it in its marks
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  RCACHED_CHECK(check_encoding(text, origin));
  Builder builder(text, origin);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    // At most two documents: for a comma outside of a list, yaml-cpp 0.7 produces endless empty documents.
    for (int i = 0; i < 2 && parser.HandleNextDocument(builder); ++i) {
    }
  } catch (const YAML::Exception& error) {
    return tl::unexpected(malformed(error.msg, place_of(origin, from_yaml_cpp(error.mark))));
  } catch (const std::exception& error) {
    return tl::unexpected(malformed(error.what(), origin));
  }
  if (const auto& second = builder.second_document()) {
    const std::string place = place_of(origin, from_yaml_cpp(*second));
    const std::size_t at = std::min(static_cast<std::size_t>(second->pos), text.size());
    if (text.substr(at).starts_with(','))
      return tl::unexpected(malformed("a comma outside of a list", place));
    return fail(ErrorCode::config, fmt::format("the file contains more than one YAML document ({})", place),
                "remove the '---' lines after the first document");
  }
  if (builder.finding()) return tl::unexpected(*builder.finding());
  return builder.take_root();
}

std::vector<std::string_view> YamlFormat::names_in(std::string_view section) const {
  std::vector<std::string_view> names;
  for (const YamlKey& key : keys) {
    std::string_view rest = key.path;
    if (!section.empty()) {
      if (!rest.starts_with(section) || rest.size() <= section.size() || rest[section.size()] != '.')
        continue;
      rest.remove_prefix(section.size() + 1);
    }
    const std::string_view name = rest.substr(0, rest.find('.'));
    if (name != "*" && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string YamlSettings::place(const YamlMark& mark) const { return place_of(origin, mark); }

tl::unexpected<Error> YamlSettings::wrong_value(const YamlSetting& setting, std::string hint) const {
  return fail(ErrorCode::config,
              fmt::format("wrong value '{}' for '{}' ({})", printable(setting.text), printable(setting.path),
                          place(setting.mark)),
              std::move(hint));
}

Expected<YamlSettings> read_yaml_settings(std::string_view text, const std::string& origin,
                                          const YamlFormat& format) {
  RCACHED_TRY(const auto document, parse_yaml(text, origin));
  return SettingsReader(origin, format).read(document);
}

std::string yaml_scalar(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:";  // a colon, but not before a
                                                                              // space
  const bool plain = !text.empty() && text.front() != '-' && text.front() != ':' && text.back() != ':' &&
                     text.find_first_not_of(kPlain) == std::string_view::npos;
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace rcached
