// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rcached {
namespace {

// "message|hint"
template <typename Value>
std::string refusal(const Expected<Value>& result) {
  if (result) return "accepted";
  EXPECT_EQ(result.error().code, ErrorCode::config);
  return result.error().message + "|" + result.error().hint;
}

TEST(ParseYaml, RejectsUnclosedQuotes) {
  const auto is_open = [](const std::string& text) {
    return refusal(parse_yaml(text + "\n", "f")) == "a quote is not closed (f:1:4)|add the closing quote";
  };
  EXPECT_TRUE(is_open("a: \"b"));
  EXPECT_TRUE(is_open("a: 'b\nc: d"));
  EXPECT_TRUE(is_open(R"(a: "b\")")) << "an escaped quote does not close the string";
  EXPECT_TRUE(is_open("a: 'b''")) << "two single quotes are an escaped quote";
  for (const char* text : {"a: 'b'''", "a: \"b\"", "a: 'b'", "a: b\"", "a: b", "a: ''"}) {
    EXPECT_EQ(refusal(parse_yaml(text, "f")), "accepted") << text;
  }
}

TEST(ParseYaml, ReturnsTheOneDocument) {
  const auto document = parse_yaml("a: 1\n'b': [~, \"x\"]\n", "f");
  ASSERT_TRUE(document) << refusal(document);
  ASSERT_EQ(document->kind, YamlNode::Kind::map);
  ASSERT_EQ(document->entries.size(), 2u);
  const auto& [name, value] = document->entries[0];
  EXPECT_EQ(name.text, "a");
  EXPECT_EQ(value.text, "1");
  EXPECT_FALSE(value.quoted);
  EXPECT_EQ(value.mark.line, 1);
  EXPECT_EQ(value.mark.column, 4);
  const YamlNode& list = document->entries[1].value;
  ASSERT_EQ(list.kind, YamlNode::Kind::list);
  ASSERT_EQ(list.entries.size(), 2u);
  EXPECT_EQ(list.entries[0].value.kind, YamlNode::Kind::null);
  EXPECT_EQ(list.entries[1].value.text, "x");
  EXPECT_TRUE(list.entries[1].value.quoted);
  for (const char* text : {"", "# a comment\n", "---\n", "~\n"}) {
    const auto none = parse_yaml(text, "f");
    ASSERT_TRUE(none) << text;
    EXPECT_EQ(none->kind, YamlNode::Kind::null) << text;
  }
}

TEST(ParseYaml, ReportsErrorsWithTheirPosition) {
  struct Row {
    std::string text, expected;
  };
  const std::vector<Row> rows = {
      {"a: 1\n---\nb: 2\n",
       "the file contains more than one YAML document (f:2:1)|remove the '---' lines after the first "
       "document"},
      {std::string("a\nb\0", 4), "the file contains a NUL byte (f:2)|save it as plain text"},
      {"a: 1\nb: \xff\n", "the file is not UTF-8 (f:2)|save it as UTF-8"},
      {"a: b: c\n", "malformed YAML: illegal map value (f:1:5)|correct the syntax there"},
      {",x\n", "malformed YAML: a comma outside of a list (f:1:1)|correct the syntax there"},
      {"a: &x 1\n",
       "anchors are not allowed in a configuration (f:1:4)|remove it, and write the value itself where it "
       "is referenced"},
      {"a: !t 1\n",
       "the tag '!t' is not allowed in a configuration (f:1:4)|remove it: the key determines the type of its "
       "value"},
      {"? [a]\n: 1\n", "a key is not a plain word (f:1:3)|write 'key: value'"},
      {"~: 1\n", "a key is not a plain word (f:1:1)|write 'key: value'"},
      {"a: {b: 1, c: [{d: 1, d: 2}]}\n",
       "key 'a.c.d' is given twice (f:1:22, first on line 1)|remove one of them"},
      {"a: 1\nb: 2\na: 3\n", "key 'a' is given twice (f:3:1, first on line 1)|remove one of them"},
      {"a: &x 1\nb: [\n", "malformed YAML: end of sequence flow not found (f:3:1)|correct the syntax there"},
  };
  for (const Row& row : rows) EXPECT_EQ(refusal(parse_yaml(row.text, "f")), row.expected) << row.text;
  const auto comma = parse_yaml("a: 1\n, b\n", "f");  // YAML::LoadAll() would not return
  EXPECT_NE(refusal(comma).find("(f:"), std::string::npos);
  EXPECT_NE(refusal(parse_yaml(std::string(100'000, '['), "f")).find("malformed YAML"), std::string::npos);
}

const YamlFormat& format() {
  static const YamlFormat made{{{"name", "a word", ""},
                                {"http.listen", "an address", ""},
                                {"http.extra.deep", "a number", ""},
                                {"users.*", "a hash", ""},
                                {"http.old", "", "remove it"}},
                               "name: x"};
  return made;
}

TEST(ReadYamlSettings, ListsTheSettingsOfAFile) {
  const auto file = read_yaml_settings(
      "http:\n  listen: a\n  extra: {deep: '1'}\nusers: {x.y: h, z: ''}\nname:\n  n\n", "f", format());
  ASSERT_TRUE(file) << refusal(file);
  std::vector<std::string> seen;
  for (const YamlSetting& setting : file->settings) {
    seen.push_back(format().keys[setting.key].path + " " + setting.path + " " + setting.name + "=" +
                   setting.text + " " + file->place(setting.mark));
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{
                "http.listen http.listen listen=a f:2:11", "http.extra.deep http.extra.deep deep=1 f:3:17",
                "users.* users.x.y x.y=h f:4:14", "users.* users.z z= f:4:20", "name name name=n f:6:3"}));
  ASSERT_EQ(file->sections.size(), 3u);
  EXPECT_EQ(file->place(file->sections.at("http.extra")), "f:3:10");
  EXPECT_TRUE(file->sections.contains("users"));
  const auto empty = read_yaml_settings("http:\nusers: {}\n", "f", format());
  ASSERT_TRUE(empty) << refusal(empty);
  EXPECT_TRUE(empty->settings.empty());
  EXPECT_FALSE(empty->sections.contains("http"));
  EXPECT_TRUE(empty->sections.contains("users"));
}

TEST(ReadYamlSettings, RejectsWhatTheFormatDoesNotDefine) {
  const auto error = [](const std::string& text) { return refusal(read_yaml_settings(text, "f", format())); };
  EXPECT_EQ(error("- a\n"), "the file is not a map of keys and values (f:1:1)|write lines such as 'name: x'");
  EXPECT_EQ(error("nmae: 1\n"), "unknown key 'nmae' (f:1:1)|did you mean 'name'?");
  EXPECT_EQ(error("http: {lisen: 1}\n"), "unknown key 'http.lisen' (f:1:8)|did you mean 'http.listen'?");
  EXPECT_EQ(error("deep: 1\n"), "unknown key 'deep' (f:1:1)|did you mean 'http.extra.deep'?");
  EXPECT_EQ(error("http.listen: 1\n"),
            "unknown key 'http.listen' (f:1:1)|write 'listen' indented below 'http'");
  EXPECT_EQ(error("http: {extra.deep: 1}\n"),
            "unknown key 'http.extra.deep' (f:1:8)|write 'deep' indented below 'http.extra'");
  EXPECT_EQ(error("qqqqqqq: 1\n"), "unknown key 'qqqqqqq' (f:1:1)|known at the top level: name, http, users");
  EXPECT_EQ(error("http: {qqqqqqq: 1}\n"),
            "unknown key 'http.qqqqqqq' (f:1:8)|known in 'http': listen, extra, old");
  EXPECT_EQ(error("http: 1\n"),
            "'http' is a section, not a value (f:1:7)|write its keys indented below it: listen, extra, old");
  EXPECT_EQ(error("users: 1\n"),
            "'users' is a section, not a value (f:1:8)|write its keys indented below it");
  EXPECT_EQ(error("name:\n"), "'name' has no value (f:1:1)|write a word, or remove the line");
  EXPECT_EQ(error("users: {a: ~}\n"), "'users.a' has no value (f:1:9)|write a hash, or remove the line");
  EXPECT_EQ(error("name: [a]\n"), "'name' is given a list instead of one value (f:1:7)|write a word");
  EXPECT_EQ(error("name: {a: b}\n"), "'name' is given a section instead of one value (f:1:7)|write a word");
  EXPECT_EQ(error("http: {old: [a]}\n"), "'http.old' is not supported by rcached (f:1:8)|remove it");
}

TEST(YamlScalar, QuotesAmbiguousText) {
  for (const char* plain : {"8", "10ms", "true", "127.0.0.1:9731", "/run/rcached", "bounded-127"}) {
    EXPECT_EQ(yaml_scalar(plain), plain);
  }
  EXPECT_EQ(yaml_scalar(""), R"("")");
  EXPECT_EQ(yaml_scalar("/a #b"), R"("/a #b")");
  EXPECT_EQ(yaml_scalar("/a:"), R"("/a:")");
  EXPECT_EQ(yaml_scalar(R"(/"\)"), R"("/\"\\")");
}

}  // namespace
}  // namespace rcached
