// SPDX-License-Identifier: Apache-2.0
// Tests what parse_config() accepts and rejects, and every message. Files and layers: loaded_config_test.cc.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "daemon/config/config_docs.h"
#include "daemon/config/loaded_config.h"

namespace rcached {
namespace {

using std::chrono::milliseconds;

// "message; hint", as main prints it.
std::string refusal(const Expected<Config>& config) {
  if (config) return "accepted";
  EXPECT_EQ(config.error().code, ErrorCode::config);
  return config.error().message + "; " + config.error().hint;
}

// The error message of the linked yaml-cpp: since 0.8 it names the missing anchor.
std::string words_of_yaml_cpp(const std::string& text) {
  try {
    YAML::Load(text);
  } catch (const YAML::Exception& fault) {
    return fault.msg;
  }
  return "accepted";
}

struct Refused {
  const char* name;
  std::string yaml;
  std::string expected;
};

void PrintTo(const Refused& row, std::ostream* out) { *out << row.name; }

class ConfigRefusal : public testing::TestWithParam<Refused> {};

TEST_P(ConfigRefusal, HasMessagePlaceAndHint) {
  EXPECT_EQ(refusal(parse_config(GetParam().yaml, "f.yaml")), GetParam().expected);
}

const std::vector<Refused> kRefusals = {
    // unknown keys
    {"misspelt_at_the_top", "sourec: kernel\n", "unknown key 'sourec' (f.yaml:1:1); did you mean 'source'?"},
    {"misspelt_section", "htpp:\n  listen: 127.0.0.1:1\n",
     "unknown key 'htpp' (f.yaml:1:1); did you mean 'http'?"},
    {"misspelt_in_section", "http:\n  listne: 127.0.0.1:1\n",
     "unknown key 'http.listne' (f.yaml:2:3); did you mean 'http.listen'?"},
    {"other_case", "Source: kernel\n", "unknown key 'Source' (f.yaml:1:1); did you mean 'source'?"},
    {"dash_for_underscore", "kernel:\n  ring-size: 4MiB\n",
     "unknown key 'kernel.ring-size' (f.yaml:2:3); did you mean 'kernel.ring_size'?"},
    {"right_name_wrong_level", "listen: 127.0.0.1:9731\n",
     "unknown key 'listen' (f.yaml:1:1); did you mean 'http.listen'?"},
    {"right_name_wrong_section", "metrics:\n  seed: 4\n",
     "unknown key 'metrics.seed' (f.yaml:2:3); did you mean 'synthetic.seed'?"},
    {"nothing_near_in_section", "http:\n  tls_certificate: x\n",
     "unknown key 'http.tls_certificate' (f.yaml:2:3); known in 'http': listen, threads, streams, "
     "request_timeout, request_size, rate, "
     "web_config"},
    {"nothing_near_at_the_top", "zzzzzzzz: 1\n",
     "unknown key 'zzzzzzzz' (f.yaml:1:1); known at the top level: source, http, kernel, pipeline, audit, "
     "metrics, history, textfile, synthetic, log, run_directory"},
    {"dotted_key", "http.listen: 127.0.0.1:1\n",
     "unknown key 'http.listen' (f.yaml:1:1); write 'listen' indented below 'http'"},
    {"merge_key", "http:\n  <<: {threads: 3}\n",
     "unknown key 'http.<<' (f.yaml:2:3); known in 'http': listen, threads, streams, request_timeout, "
     "request_size, rate, "
     "web_config"},
    {"control_characters", "\"a\\tb\": 1\n",
     "unknown key 'a\\x09b' (f.yaml:1:1); known at the top level: source, http, kernel, pipeline, audit, "
     "metrics, history, textfile, synthetic, log, run_directory"},
    // repeated keys
    {"repeated_value", "source: kernel\nsource: synthetic\n",
     "key 'source' is given twice (f.yaml:2:1, first on line 1); remove one of them"},
    {"repeated_section", "http:\n  threads: 1\nlog:\n  level: info\nhttp:\n  threads: 2\n",
     "key 'http' is given twice (f.yaml:5:1, first on line 1); remove one of them"},
    {"repeated_in_section", "http:\n  threads: 1\n  threads: 1\n",
     "key 'http.threads' is given twice (f.yaml:3:3, first on line 2); remove one of them"},
    // structure
    {"top_is_list", "- source\n",
     "the file is not a map of keys and values (f.yaml:1:1); write lines such as "
     "'source: kernel'"},
    {"top_is_word", "kernel\n",
     "the file is not a map of keys and values (f.yaml:1:1); write lines such as "
     "'source: kernel'"},
    {"section_is_value", "http: 127.0.0.1:9731\n",
     "'http' is a section, not a value (f.yaml:1:7); write its keys indented below it: listen, threads, "
     "streams, request_timeout, request_size, rate, "
     "web_config"},
    {"section_is_list", "http:\n  - listen\n",
     "'http' is a section, not a value (f.yaml:2:3); write its keys indented below it: listen, threads, "
     "streams, request_timeout, request_size, rate, "
     "web_config"},
    {"value_is_list", "source: [kernel]\n",
     "'source' is given a list instead of one value (f.yaml:1:9); write one of kernel, synthetic"},
    {"value_is_section", "http:\n  threads:\n    count: 4\n",
     "'http.threads' is given a section instead of one value (f.yaml:3:5); write an integer from 1 to 64"},
    {"no_value", "source:\n",
     "'source' has no value (f.yaml:1:1); write one of kernel, synthetic, or remove the line"},
    {"null_value", "http:\n  threads: ~\n",
     "'http.threads' has no value (f.yaml:2:3); write an integer from 1 to 64, or remove the line"},
    {"complex_key", "? [a, b]\n: 1\n", "a key is not a plain word (f.yaml:1:3); write 'key: value'"},
    {"two_documents", "source: kernel\n---\nsource: synthetic\n",
     "the file contains more than one YAML document (f.yaml:2:1); remove the '---' lines after the first "
     "document"},
    {"comma", ",x\n", "malformed YAML: a comma outside of a list (f.yaml:1:1); correct the syntax there"},
    {"comma_after_the_end", "source: kernel\n...\n,\n",
     "malformed YAML: a comma outside of a list (f.yaml:3:1); correct the syntax there"},
    {"documents_without_dashes", "source: kernel\n...\nsource: synthetic\n",
     "the file contains more than one YAML document (f.yaml:3:1); remove the '---' lines after the first "
     "document"},
    {"nul_byte_in_an_address", "http:\n  listen: \"127.0.0.1\\0.example:80\"\n",
     "wrong value '127.0.0.1\\x00.example:80' for 'http.listen' (f.yaml:2:11); write IPv4-ADDRESS:PORT, e.g. "
     "127.0.0.1:9731"},
    {"nul_byte", std::string("source: kernel\n\0", 16),
     "the file contains a NUL byte (f.yaml:2); save it as plain text"},
    // syntax, in yaml-cpp's words
    {"two_colons", "source: kernel: x\n",
     "malformed YAML: illegal map value (f.yaml:1:15); correct the syntax there"},
    {"open_bracket", "source: [kernel\n",
     "malformed YAML: end of sequence flow not found (f.yaml:2:1); correct the syntax there"},
    {"open_quote", "source: \"kernel\n", "a quote is not closed (f.yaml:1:9); add the closing quote"},
    {"open_quote_eats_the_rest", "run_directory: \"/run/x\nsource: synthetic\n",
     "a quote is not closed (f.yaml:1:16); add the closing quote"},
    {"open_single_quote", "run_directory: '/run/x\n",
     "a quote is not closed (f.yaml:1:16); add the closing quote"},
    {"unknown_alias", "source: *kernel\n",
     "malformed YAML: " + words_of_yaml_cpp("*kernel") + " (f.yaml:1:9); correct the syntax there"},
    // choices
    {"unknown_choice", "source: kernl\n",
     "wrong value 'kernl' for 'source' (f.yaml:1:9); write one of kernel, synthetic; did you mean 'kernel'?"},
    {"far_choice", "source: file\n",
     "wrong value 'file' for 'source' (f.yaml:1:9); write one of kernel, synthetic"},
    {"empty_choice", "source: ''\n",
     "wrong value '' for 'source' (f.yaml:1:9); write one of kernel, synthetic"},
    {"probes", "kernel:\n  probes: fentry\n",
     "wrong value 'fentry' for 'kernel.probes' (f.yaml:2:11); write one of auto, kprobe"},
    {"generation", "synthetic:\n  generation: bounded-129\n",
     "wrong value 'bounded-129' for 'synthetic.generation' (f.yaml:2:15); write one of bounded-128, "
     "bounded-127, "
     "unbounded-127; did you mean 'bounded-128'?"},
    {"workload", "synthetic:\n  workload: brust\n",
     "wrong value 'brust' for 'synthetic.workload' (f.yaml:2:13); write one of steady, spread, burst, leak, "
     "mixed; "
     "did you mean 'burst'?"},
    {"log_level", "log:\n  level: warn\n",
     "wrong value 'warn' for 'log.level' (f.yaml:2:10); write one of debug, info, warning, error"},
    // booleans
    {"boolean_word", "metrics:\n  per_cpu: yes\n",
     "wrong value 'yes' for 'metrics.per_cpu' (f.yaml:2:12); write true or false; did you mean 'true'?"},
    {"boolean_number", "kernel:\n  run_statistics: 1\n",
     "wrong value '1' for 'kernel.run_statistics' (f.yaml:2:19); write true or false; did you mean 'true'?"},
    // integers
    {"not_a_number", "http:\n  threads: many\n",
     "wrong value 'many' for 'http.threads' (f.yaml:2:12); write an integer from 1 to 64"},
    {"below_range", "http:\n  threads: 0\n",
     "wrong value '0' for 'http.threads' (f.yaml:2:12); write an integer from 1 to 64"},
    {"above_range", "http:\n  threads: 65\n",
     "wrong value '65' for 'http.threads' (f.yaml:2:12); write an integer from 1 to 64"},
    {"negative", "http:\n  threads: -1\n",
     "wrong value '-1' for 'http.threads' (f.yaml:2:12); write an integer from 1 to 64"},
    {"fraction", "http:\n  threads: 1.5\n",
     "wrong value '1.5' for 'http.threads' (f.yaml:2:12); write an integer from 1 to 64"},
    {"overflow", "synthetic:\n  seed: 18446744073709551616\n",
     "wrong value '18446744073709551616' for 'synthetic.seed' (f.yaml:2:9); write an integer from 0 to "
     "2^64-1"},
    {"too_many_cpus", "synthetic:\n  cpus: 1025\n",
     "wrong value '1025' for 'synthetic.cpus' (f.yaml:2:9); write an integer from 1 to 1024"},
    {"too_many_domains", "synthetic:\n  domains: 1001\n",
     "wrong value '1001' for 'synthetic.domains' (f.yaml:2:12); write an integer from 1 to 1000"},
    {"too_fast", "synthetic:\n  rate: 10000001\n",
     "wrong value '10000001' for 'synthetic.rate' (f.yaml:2:9); write an integer from 1 to 10000000"},
    // sizes
    {"size_without_unit", "kernel:\n  ring_size: 4194304\n",
     "wrong value '4194304' for 'kernel.ring_size' (f.yaml:2:14); write auto, or a power of two from 64KiB "
     "to 256MiB, "
     "with "
     "the unit KiB or MiB"},
    {"size_not_power_of_two", "kernel:\n  ring_size: 3MiB\n",
     "wrong value '3MiB' for 'kernel.ring_size' (f.yaml:2:14); write auto, or a power of two from 64KiB to "
     "256MiB, "
     "with the "
     "unit KiB or MiB"},
    {"size_below", "kernel:\n  ring_size: 32KiB\n",
     "wrong value '32KiB' for 'kernel.ring_size' (f.yaml:2:14); write auto, or a power of two from 64KiB to "
     "256MiB, "
     "with the "
     "unit KiB or MiB"},
    {"size_overflow", "kernel:\n  ring_size: 17592186044416MiB\n",
     "wrong value '17592186044416MiB' for 'kernel.ring_size' (f.yaml:2:14); write auto, or a power of two "
     "from 64KiB "
     "to "
     "256MiB, with the unit KiB or MiB"},
    // durations
    {"duration_without_unit", "pipeline:\n  drain_interval: 10\n",
     "wrong value '10' for 'pipeline.drain_interval' (f.yaml:2:19); write a duration from 1ms to 1s, with "
     "the unit "
     "ms or s"},
    {"duration_below", "pipeline:\n  drain_interval: 0ms\n",
     "wrong value '0ms' for 'pipeline.drain_interval' (f.yaml:2:19); write a duration from 1ms to 1s, with "
     "the unit "
     "ms or s"},
    {"duration_above", "pipeline:\n  snapshot_interval: 61s\n",
     "wrong value '61s' for 'pipeline.snapshot_interval' (f.yaml:2:22); write a duration from 100ms to 60s, "
     "with the "
     "unit ms or s"},
    {"duration_other_unit", "pipeline:\n  snapshot_interval: 1m\n",
     "wrong value '1m' for 'pipeline.snapshot_interval' (f.yaml:2:22); write a duration from 100ms to 60s, "
     "with the "
     "unit ms or s; did you mean '60s'?"},
    {"audit_too_often", "audit:\n  interval: 999ms\n",
     "wrong value '999ms' for 'audit.interval' (f.yaml:2:13); write a duration from 1s to 3600s, with the "
     "unit "
     "ms or s"},
    {"audit_too_seldom", "audit:\n  interval: 3601s\n",
     "wrong value '3601s' for 'audit.interval' (f.yaml:2:13); write a duration from 1s to 3600s, with the "
     "unit "
     "ms or s"},
    {"audit_without_budget", "audit:\n  budget: 0ms\n",
     "wrong value '0ms' for 'audit.budget' (f.yaml:2:11); write a duration from 1ms to 1s, with the unit ms "
     "or s"},
    {"audit_beyond_all_time", "audit:\n  budget: 1001ms\n",
     "wrong value '1001ms' for 'audit.budget' (f.yaml:2:11); write a duration from 1ms to 1s, with the unit "
     "ms or s"},
    {"audit_enabled", "audit:\n  enabled: on\n",
     "wrong value 'on' for 'audit.enabled' (f.yaml:2:12); write true or false; did you mean 'true'?"},
    {"snapshot_faster_than_drain", "pipeline:\n  drain_interval: 1s\n  snapshot_interval: 500ms\n",
     "'pipeline.snapshot_interval' is 500ms (f.yaml:3:22), too short for the 'pipeline.drain_interval' of 1s "
     "(f.yaml:2:19); write a snapshot interval of at least 1s, or a drain interval of at most 100ms"},
    // addresses
    {"port_missing", "http:\n  listen: 127.0.0.1\n",
     "wrong value '127.0.0.1' for 'http.listen' (f.yaml:2:11); write IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731; "
     "did you mean '127.0.0.1:9731'?"},
    {"port_alone", "http:\n  listen: 9731\n",
     "wrong value '9731' for 'http.listen' (f.yaml:2:11); write IPv4-ADDRESS:PORT, e.g. 127.0.0.1:9731"},
    {"port_zero", "http:\n  listen: 127.0.0.1:0\n",
     "wrong value '127.0.0.1:0' for 'http.listen' (f.yaml:2:11); write IPv4-ADDRESS:PORT, e.g. "
     "127.0.0.1:9731"},
    {"port_too_large", "http:\n  listen: 127.0.0.1:65536\n",
     "wrong value '127.0.0.1:65536' for 'http.listen' (f.yaml:2:11); write IPv4-ADDRESS:PORT, e.g. "
     "127.0.0.1:9731"},
    {"ipv6", "http:\n  listen: '[::1]:9731'\n",
     "wrong value '[::1]:9731' for 'http.listen' (f.yaml:2:11); write IPv4-ADDRESS:PORT, e.g. "
     "127.0.0.1:9731; did you mean '127.0.0.1:9731'?"},
    // what YAML offers beyond plain keys and values
    {"anchor", "http: &a\n  threads: 2\n",
     "anchors are not allowed in a configuration (f.yaml:1:7); remove it, and write the value itself where "
     "it is referenced"},
    {"alias", "synthetic: {cpus: &n 4, domains: *n}\n",
     "anchors are not allowed in a configuration (f.yaml:1:19); remove it, and write the value itself where "
     "it is referenced"},
    {"tag", "http:\n  threads: !!int 4\n",
     "the tag 'tag:yaml.org,2002:int' is not allowed in a configuration (f.yaml:2:12); remove it: the key "
     "determines the type of its value"},
    {"not_utf_8", "source: kernel\nrun_directory: /\xff\n",
     "the file is not UTF-8 (f.yaml:2); save it as UTF-8"},
    {"open_quote_of_a_key", "\"http: x\n", "a quote is not closed (f.yaml:1:1); add the closing quote"},
    {"open_single_quote_after_two", "run_directory: '/a''\n",
     "a quote is not closed (f.yaml:1:16); add the closing quote"},
    {"open_quote_after_a_byte_order_mark", "\xef\xbb\xbfrun_directory: '/a\n",
     "a quote is not closed (f.yaml:1:16); add the closing quote"},
    // paths
    {"relative_path", "run_directory: run\n",
     "wrong value 'run' for 'run_directory' (f.yaml:1:16); write an absolute path of at most 99 ASCII "
     "characters"},
    {"path_with_newline", "run_directory: \"/run\\n/x\"\n",
     "wrong value '/run\\x0a/x' for 'run_directory' (f.yaml:1:16); write an absolute path of at most 99 "
     "ASCII characters"},
};

INSTANTIATE_TEST_SUITE_P(Table, ConfigRefusal, testing::ValuesIn(kRefusals),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Config, EmptyTextIsTheDefaults) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "~\n", "{}\n"}) {
    const auto config = parse_config(text, "f.yaml");
    ASSERT_TRUE(config) << text << refusal(config);
    EXPECT_EQ(*config, Config{});
  }
}

TEST(Config, SectionWithAllKeysCommentedOutIsItsDefaults) {
  const auto config = parse_config("http:\n  # threads: 3\nlog:\n", "f.yaml");
  ASSERT_TRUE(config) << refusal(config);
  EXPECT_EQ(*config, Config{});
}

TEST(Config, QuotedValuesAreValues) {
  const auto config = parse_config("run_directory: \"/r\\\"x\"\nsource: 'kernel'\n", "f.yaml");
  ASSERT_TRUE(config) << refusal(config);
  EXPECT_EQ(config->run_directory, "/r\"x");
}

TEST(Config, ReadsEveryKey) {
  const auto config = parse_config(R"(
source: synthetic
http: {listen: "0.0.0.0:80", threads: 64, streams: 0, request_timeout: 120s, request_size: 2KiB, rate: 7,
       web_config: /etc/rcached/web.yaml}
kernel:
  ring_size: 64KiB
  probes: kprobe
  run_statistics: true
pipeline: {drain_interval: 100ms, snapshot_interval: 60s}
audit: {enabled: false, interval: 3600s, budget: 1ms, spare_cpus: "2-3,8"}
metrics: {per_cpu: true, per_magazine: true, series_limit: 100}
history: {size: 1024MiB}
textfile: {path: /t/r.prom, interval: 1s}
synthetic: {generation: unbounded-127, domains: 1000, cpus: 1024, rate: 1, seed: 18446744073709551615, workload: leak}
log: {level: debug}
run_directory: /tmp/r
)",
                                   "f.yaml");
  ASSERT_TRUE(config) << refusal(config);
  Config expected;
  expected.source = SourceKind::synthetic;
  expected.http = {"0.0.0.0:80", 64, 0, milliseconds(120'000), 2u << 10, 7, "/etc/rcached/web.yaml"};
  expected.kernel = {64u << 10, ProbeMethod::kprobe, true};
  expected.pipeline = {milliseconds(100), milliseconds(60'000)};
  expected.audit = {false, milliseconds(3'600'000), milliseconds(1), "2-3,8"};
  expected.metrics = {true, true, 100};
  expected.history.bytes = 1u << 30;
  expected.textfile = {"/t/r.prom", milliseconds(1000)};
  expected.synthetic = {kProfile612, 1000, 1024, 1, ~std::uint64_t{0}, WorkloadKind::leak};
  expected.log.level = LogLevel::debug;
  expected.run_directory = "/tmp/r";
  EXPECT_EQ(*config, expected);
  EXPECT_EQ(parse_config(format_config(expected), "printed"), expected);
}

// Input that makes careless readers loop, recurse or throw.
TEST(Config, HostileTextEndsInAnError) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "[";
  for (const std::string& text :
       {deep, std::string("http: &a {listen: *a}\n"), std::string("&a [*a]\n"), std::string("\xff\xfe\xfd"),
        std::string("{{{{"), std::string("!!binary x"), std::string("%YAML 9.9\n---\nsource: kernel\n..."),
        "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n" + std::string(1000, ' ')}) {
    const auto config = parse_config(text, "f.yaml");
    if (!config) {
      EXPECT_EQ(config.error().code, ErrorCode::config);
    }
  }
}

}  // namespace
}  // namespace rcached
