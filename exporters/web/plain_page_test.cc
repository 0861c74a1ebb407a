// SPDX-License-Identifier: Apache-2.0
#include "exporters/web/plain_page.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/kit/sample_view.h"

namespace rcached {
namespace {

using testing::sample_view;

constexpr std::uint64_t kNow = 13'000'000'000;

// base64 of the SHA-256 of `text`, by coreutils.
std::string sha256(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() / ("rcached-style-" + std::to_string(::getpid()));
  std::ofstream(file) << text;
  const std::string command =
      "sha256sum <'" + file.string() + "' | cut -c-64 | tr a-f A-F | basenc --base16 -d | base64";
  std::string out;
  if (FILE* pipe = ::popen(command.c_str(), "r"); pipe != nullptr) {
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) out += buffer.data();
    ::pclose(pipe);
  }
  std::filesystem::remove(file);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const auto from = text.find(begin);
  const auto to = text.find(end, from == std::string::npos ? 0 : from + begin.size());
  return from == std::string::npos || to == std::string::npos
             ? ""
             : text.substr(from + begin.size(), to - from - begin.size());
}

TEST(PlainPage, ShowsTheBalanceSheetOfEveryDomain) {
  const View view = sample_view(kProfile61);
  const std::string page = plain_page(&view, "", kNow);
  const DomainSnapshot& d = view.snapshot.domains[0];
  const std::string row = between(page, "<th scope=\"row\">4</th>", "</tr>");
  EXPECT_EQ(row, "<td>0000:00:03.0,0000:00:04.0 (nvme)</td><td>DMA-FQ</td><td>" +
                     std::to_string(d.tree_ranges) + "</td><td>" + std::to_string(d.outstanding) +
                     "</td><td>10018</td><td>77</td><td>" + std::to_string(d.cpu_cached) + "</td><td>" +
                     std::to_string(d.depot_cached) + "</td><td>" + std::to_string(d.reserved) +
                     "</td><td>-3</td><td class=\"exact\">exact</td>");
  EXPECT_NE(between(page, "<th scope=\"row\">iovad-2</th>", "</tr>").find("<td>unknown</td>"),
            std::string::npos);
  EXPECT_EQ(page.find("Not ready"), std::string::npos);
  for (const char* link : {"href=\"/metrics\"", "href=\"/-/healthy\"", "href=\"/-/ready\""}) {
    EXPECT_NE(page.find(link), std::string::npos) << link;
  }
}

TEST(PlainPage, ShowsWhenADomainWasResynced) {
  View view = sample_view(kProfile61);
  view.snapshot.domains[0].confidence = Confidence::resynced;
  view.snapshot.domains[0].audit.resynced_ns = kNow - 12'500'000'000;
  const std::string row = between(plain_page(&view, "", kNow), "<th scope=\"row\">4</th>", "</tr>");
  EXPECT_TRUE(row.ends_with("<td class=\"resynced\">resynced 12 s ago</td>")) << row;
}

TEST(PlainPage, NamesAreEscaped) {
  const View view = testing::hostile_view();
  const std::string page = plain_page(&view, "<b>", kNow);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;&amp;&#39;)"), std::string::npos);
}

TEST(PlainPage, EscapesTheRemark) {
  EXPECT_NE(plain_page(nullptr, "", kNow, "No <live> page.").find("<p>No &lt;live&gt; page.</p>"),
            std::string::npos);
  EXPECT_EQ(plain_page(nullptr, "", kNow).find("<p></p>"), std::string::npos);
}

TEST(PlainPage, SaysThatThereIsNoDomain) {
  EXPECT_EQ(plain_page(nullptr, "starting", kNow).find("<table"), std::string::npos);
  const View empty;
  EXPECT_NE(plain_page(&empty, "", kNow).find("No domain has been seen yet"), std::string::npos);
}

TEST(PlainPage, ThePolicyAllowsTheStyleSheetOnly) {
  const std::string page = plain_page(nullptr, "", kNow);
  const std::string policy = kPlainPagePolicy;
  EXPECT_EQ(between(policy, "'sha256-", "'"), sha256(between(page, "<style>", "</style>")));
  EXPECT_TRUE(policy.starts_with("default-src 'none'; "));
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  for (const char* outside : {"http:", "https:", "src=", "style=", "@import", "url("}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

}  // namespace
}  // namespace rcached
