// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/render.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "exporters/top/sheets.h"
#include "exporters/top/testing/sample_data.h"

namespace rcached::top {
namespace {

using testing::data_of;
using testing::plain_domain;

std::vector<std::string> lines_of(const Grid& grid) {
  std::vector<std::string> out;
  for (int row = 0; row < grid.rows(); ++row) out.push_back(grid.line(row));
  return out;
}

class Screens : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::use_test_locale();
    data_ = data_of(rcached::testing::sample_view(kProfile61), "4");
    state_.selected = "4";
  }

  Grid grid(int rows = 24, int columns = 80, Charset charset = Charset::utf8) {
    return render_screen(picture_, state_, {rows, columns}, charset);
  }
  std::string screen(int rows = 24, int columns = 80, Charset charset = Charset::utf8) {
    return grid(rows, columns, charset).text();
  }
  // The line that begins with `start` (blanks ahead do not matter).
  std::string line(const std::string& text, const std::string& start) {
    std::istringstream in(text);
    for (std::string each; std::getline(in, each);) {
      const auto at = each.find_first_not_of(' ');
      if (at != std::string::npos && each.compare(at, start.size(), start) == 0) return each;
    }
    return "no line '" + start + "' in:\n" + text;
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  TopData data_;
  Picture picture_{&data_, "db7", 45'200.0, ""};
  UiState state_;
};

#define EXPECT_HAS(text, part) EXPECT_TRUE(has(text, part)) << (part) << " is not in:\n" << (text)

TEST_F(Screens, HeaderShowsSourceLossesAndConfidence) {
  const auto lines = lines_of(grid());
  for (const char* part : {"rcached 0.1.0", "db7", "kernel 6.1.0-test", "source kernel", "mode mirror"})
    EXPECT_HAS(lines[0], part);
  for (const char* part : {"events 45.2k/s", "lost 30", "lag 2.5ms", "2 domains: 1 exact, 1 lossy"})
    EXPECT_HAS(lines[1], part);
  EXPECT_EQ(grid().at(1, static_cast<int>(lines[1].find("lost"))).style.tone, Tone::bad);
}

TEST_F(Screens, WithoutAPreviousPictureTheMeanIsShown) {
  picture_.events_per_second = std::nullopt;
  EXPECT_HAS(screen(), "events 123k/s on average");
  EventMeter meter;
  meter.add(data_.status);
  EXPECT_EQ(meter.per_second(), std::nullopt);
  data_.status.time = *data_.status.time + 2;
  data_.status.events.applied += 500;
  meter.add(data_.status);
  EXPECT_EQ(meter.per_second(), 250.0);
  meter.add(data_.status);  // the same snapshot again
  EXPECT_EQ(meter.per_second(), 250.0);
  data_.status.events.applied = 1;  // restarted
  meter.add(data_.status);
  EXPECT_EQ(meter.per_second(), std::nullopt);
}

TEST_F(Screens, TableOfDomains) {
  const std::string text = screen(24, 100);
  const std::string head = line(text, "DOMAIN");
  for (const char* title : {"▼TREE", "OUTST", "CPU", "DEPOT", "FULL", "MISS", "OVF/S", "CONF", "VERDICT"})
    EXPECT_HAS(head, title);
  const Domain& domain = data_.domains.domains[0];
  const std::string row = line(text, "4 ");
  for (const std::string& part :
       {std::string("166k"), std::string("+1.50"), std::to_string(domain.balance.outstanding.ranges),
        std::string("-0.25"), std::string("100%"), std::string("1.0%"), std::string("2.50"),
        std::string("exact"), std::string("depot-sat")})
    EXPECT_HAS(row, part);
  // The second domain has no rates yet: a dash, never a 0.
  const std::string other = line(text, "iovad-2");
  EXPECT_HAS(other, " - ");
  EXPECT_HAS(other, "lossy");
  // The selected domain in full, with its evidence.
  EXPECT_HAS(text, "0000:00:03.0,0000:00:04.0 (nvme)");
  EXPECT_HAS(text, "depot-saturated: 2.5 overflows/s over the last 60 s");
}

TEST_F(Screens, SelectedRowIsReversed) {
  const Grid drawn = grid();
  int reversed = 0;
  for (int row = 4; row < 23; ++row) {
    if (drawn.at(row, 79).style.reverse) {
      ++reversed;
      EXPECT_EQ(drawn.line(row).substr(0, 2), "4 ");
    }
  }
  EXPECT_EQ(reversed, 1);
}

// A screen is exactly as large as the terminal, and keeps the most important parts if small.
TEST_F(Screens, EverySizeIsFilled) {
  for (const ViewKind view :
       {ViewKind::domains, ViewKind::domain, ViewKind::cpus, ViewKind::notes, ViewKind::daemon}) {
    for (const bool help : {false, true}) {
      for (const auto& [rows, columns] : {std::pair(0, 0),
                                          {1, 1},
                                          {2, 2},
                                          {1, 80},
                                          {3, 10},
                                          {5, 20},
                                          {8, 40},
                                          {24, 1},
                                          {24, 80},
                                          {25, 132},
                                          {60, 250},
                                          {200, 3}}) {
        state_ = {};
        state_.view = view;
        state_.help = help;
        state_.selected = "4";
        picture_.problem = rows % 2 == 0 ? "no response" : "";
        const Grid drawn = grid(rows, columns);
        EXPECT_EQ(drawn.rows(), rows);
        EXPECT_EQ(drawn.columns(), columns);
      }
    }
  }
  state_ = {};
  picture_.problem.clear();
  EXPECT_HAS(screen(8, 40), "iovad-2");
  EXPECT_HAS(screen(4, 30), "DOMAIN");
}

TEST_F(Screens, The80x24ScreenHasEveryPart) {
  const auto lines = lines_of(grid());
  ASSERT_EQ(lines.size(), 24u);
  EXPECT_HAS(lines[2], "1 domains");
  EXPECT_HAS(lines[2], "by tree ▼");
  EXPECT_EQ(lines[3].substr(0, 6), "DOMAIN");
  EXPECT_HAS(lines[23], "q quit");
  for (const std::string& each : lines) EXPECT_LE(text_width(each, Charset::utf8), 80);
}

TEST_F(Screens, ManyDomainsScrollWithTheSelection) {
  data_.domains.domains.clear();
  for (int i = 0; i < 64; ++i)
    data_.domains.domains.push_back(plain_domain(std::to_string(i), static_cast<Count>(1000 - i)));
  state_.selected = "0";
  EXPECT_HAS(screen(), "▼");
  EXPECT_EQ(line(screen(), "0 ").substr(0, 2), "0 ");
  state_.selected = "63";
  const std::string text = screen();
  EXPECT_EQ(line(text, "63 ").substr(0, 3), "63 ");
  EXPECT_EQ(line(text, "DOMAIN").substr(0, 6), "DOMAIN");  // titles stay
  state_.selected = "32";
  EXPECT_EQ(line(screen(), "32 ").substr(0, 3), "32 ");
  EXPECT_EQ(line(screen(2000, 80), "63 ").substr(0, 3), "63 ");
}

TEST_F(Screens, FilterAndPauseAreShown) {
  state_.filter = "nvme";
  state_.paused = true;
  const std::string text = screen();
  EXPECT_HAS(text, "PAUSED");
  EXPECT_HAS(text, "filter nvme (1 of 2)");
  EXPECT_FALSE(has(text, "iovad-2"));
  state_.filter = "nothing";
  EXPECT_HAS(screen(), "No domain matches the filter.");
  state_.editing_filter = true;
  EXPECT_HAS(lines_of(grid()).back(), "filter: nothing");
}

TEST_F(Screens, AProblemIsShownAboveOldData) {
  picture_.problem = "12 s old: no rcached responds at http://127.0.0.1:9731";
  const std::string text = screen();
  EXPECT_HAS(text, picture_.problem);
  EXPECT_HAS(text, "iovad-2");
  picture_.data = nullptr;
  EXPECT_HAS(screen(), "Waiting for the first data");
  EXPECT_HAS(screen(), picture_.problem);
}

TEST_F(Screens, DomainView) {
  state_.view = ViewKind::domain;
  const std::string text = screen(60, 80);
  EXPECT_HAS(line(text, "domain 4"), "DMA-FQ");
  EXPECT_HAS(line(text, "depot-saturated:"), "2.5 overflows/s");
  EXPECT_HAS(line(text, "tree "), "+1.50");
  EXPECT_HAS(line(text, "before start"), "10018");
  EXPECT_HAS(line(text, "flush queue "), "77");
  EXPECT_HAS(line(text, "unaccounted"), "-3");
  // Depots with the kernel's limit.
  EXPECT_HAS(text, "DEPOTS, limit 32 magazines");
  EXPECT_HAS(text, "0 ████████████████████     32   100%");
  EXPECT_HAS(text, "5 █████████████████░░░     27    84%");
  // Orders.
  const std::string order = line(text, "1  ");
  for (const char* figure :
       {"10101", "10102", "97%", "10104", "10105", "10106", "10107", "10113", "10111", "10112"})
    EXPECT_HAS(order, figure);
  EXPECT_HAS(line(text, "6+"), " - ");
  EXPECT_HAS(line(text, "tree allocation"), ">100ms");
  EXPECT_HAS(text, "predictions 1000, hit 99%; misses: 1 reordered");
  EXPECT_HAS(text, "audits 10030, repairs 31, abandoned 32");
  EXPECT_HAS(line(text, "tree p99"), "25us");
}

TEST_F(Screens, UnboundedDepotsHaveAThreshold) {
  data_ = data_of(rcached::testing::sample_view(kProfile612), "4");
  state_.view = ViewKind::domain;
  EXPECT_HAS(screen(60, 80), "DEPOTS, reclaimed above 8 magazines");
}

TEST_F(Screens, ADomainThatIsLoadingOrNoLongerExists) {
  state_.view = ViewKind::domain;
  state_.selected = "iovad-2";
  EXPECT_HAS(screen(), "Loading domain iovad-2");
  state_.selected = "99";
  EXPECT_HAS(screen(), "Domain 99 no longer exists.");
  state_.view = ViewKind::cpus;
  EXPECT_HAS(screen(), "Domain 99 no longer exists.");
  data_.domains.domains.clear();
  state_ = {};
  EXPECT_HAS(screen(), "No domain has been seen yet");
}

TEST_F(Screens, DomainViewScrolls) {
  state_.view = ViewKind::domain;
  EXPECT_FALSE(has(screen(), "predictions"));
  state_.scroll[1] = 1'000'000;
  const std::string text = screen();
  EXPECT_HAS(text, "predictions");
  EXPECT_HAS(line(text, "domain 4"), "DMA-FQ");  // stays
  EXPECT_LT(state_.scroll[1], 100);
  const int end = state_.scroll[1];
  screen(24, 80);
  EXPECT_EQ(state_.scroll[1], end);
  screen(100, 80);
  EXPECT_EQ(state_.scroll[1], 0);
}

void set_cpus(TopData& data, std::size_t number) {
  Cpus& cpus = data.detail->cpus;
  cpus.cpu.clear();
  cpus.node.clear();
  cpus.loaded.assign(number, {});
  cpus.prev.assign(number, {});
  for (std::size_t i = 0; i < number; ++i) {
    cpus.cpu.push_back(i);
    cpus.node.emplace_back(i / 64);
    for (std::size_t order = 0; order < kOrders; ++order) {
      cpus.loaded[i][order] = order == 0 ? 127 : 0;
      cpus.prev[i][order] = order == 0 ? i % 128 : order == 1 ? 64 : 0;
    }
  }
}

TEST_F(Screens, FewCpusAreNumbers) {
  state_.view = ViewKind::cpus;
  set_cpus(data_, 4);
  const std::string text = screen();
  EXPECT_HAS(line(text, "CPU"), "NODE");
  const std::string row = line(text, "3 ");
  EXPECT_HAS(row, "127+3");
  EXPECT_HAS(row, "0+64");
  EXPECT_HAS(row, " 194");
}

TEST_F(Screens, ManyCpusAreAMapWithNodes) {
  state_.view = ViewKind::cpus;
  set_cpus(data_, 256);
  const Grid drawn = grid(60, 80);
  const std::string text = drawn.text();
  EXPECT_HAS(line(text, "domain 4"), "256 CPUs");
  const auto lines = lines_of(drawn);
  const auto ruler =
      std::find_if(lines.begin(), lines.end(), [](const auto& each) { return each.starts_with("CPU   0"); });
  ASSERT_NE(ruler, lines.end()) << text;
  EXPECT_HAS(*ruler, "60");
  // Where node 1 begins, at CPU 64 of the first band of 70.
  const std::string nodes = *(ruler - 1);
  EXPECT_EQ(nodes.find('0'), 6u);
  EXPECT_EQ(nodes.find('1'), 6u + 64);
  // Order 0: from 127 of 254 up.
  const std::string order0 = *(ruler + 1);
  EXPECT_EQ(order0.substr(0, 10), "   0  5555");
  EXPECT_EQ(order0[6 + 69], '7');
  EXPECT_EQ((ruler + 2)->substr(0, 8), "   1  22");
  EXPECT_TRUE((ruler + 3)->starts_with("   2  ··"));  // empty, not unknown
  const int row = static_cast<int>(ruler - lines.begin()) + 1;
  EXPECT_EQ(drawn.at(row, 6).style, (Style{.tone = Tone::heat, .heat = 5}));
  EXPECT_HAS(text, "CPU   210");  // the fourth band
  // The other form on request.
  state_.numbers = true;
  EXPECT_HAS(screen(60, 80), "127+3");
}

TEST_F(Screens, UnseenIsNotEmpty) {
  state_.view = ViewKind::cpus;
  set_cpus(data_, 20);
  data_.detail->cpus.loaded[0][2] = data_.detail->cpus.prev[0][2] = std::nullopt;
  data_.detail->cpus.node[1] = std::nullopt;
  EXPECT_HAS(screen(40, 80), "   2   ··");
}

TEST_F(Screens, Notes) {
  state_.view = ViewKind::notes;
  const std::string text = screen();
  EXPECT_HAS(line(text, "22:13:21"), "depot-overflow 4: the depot of order 2 is full");
  EXPECT_HAS(line(text, "22:13:20"), "events-lost 3 events were lost");
  state_.filter = "depot";
  EXPECT_FALSE(has(screen(), "events-lost"));
  data_.notes.notes[0].time -= 86'400;
  EXPECT_HAS(screen(), "2023-11-13 22:13:21");
  data_.notes.notes.clear();
  EXPECT_HAS(screen(), "There are no notes");
}

TEST_F(Screens, Daemon) {
  state_.view = ViewKind::daemon;
  const std::string text = screen(40, 80);
  EXPECT_HAS(line(text, "lost"), "30: ring full 4, entry missing 6, skipped by the kernel 11, malformed");
  EXPECT_HAS(line(text, "reader"), "500 reads, 42 changed during the read, 43 faults");
  EXPECT_HAS(line(text, "free_iova_fast"), "kprobe");
  EXPECT_HAS(line(text, "free_iova_fast"), " -");  // skips cannot be counted there
  EXPECT_HAS(line(text, "3 "), "200");
}

TEST_F(Screens, HelpNamesEverySortKeyAndFits80x24) {
  state_.help = true;
  const std::string text = screen();
  for (const Column& column : columns()) {
    if (column.key == 0) continue;
    EXPECT_HAS(text, fmt::format("{} {}", column.key, column.name));
  }
  EXPECT_FALSE(has(text, "▼")) << text;
}

TEST_F(Screens, AsciiScreensAreAscii) {
  for (int view = 0; view < static_cast<int>(kViews); ++view) {
    state_.view = static_cast<ViewKind>(view);
    for (const char c : screen(60, 132, Charset::ascii)) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
  }
}

// Whatever names, notes and verdicts contain, no cell is a control character.
TEST_F(Screens, HostileNamesNeverReachTheTerminal) {
  View view = rcached::testing::hostile_view();
  const std::string evil =
      "\x1b]0;owned\x07\x1b[2J\r\n\x9b"
      "31m\xe2\x80\xae";
  for (DomainInfo& info : view.domains) info.label += evil;
  view.verdicts[0][0].name += evil;
  view.verdicts[0][0].evidence += evil;
  auto notes = *view.notes;
  for (rcached::Note& note : notes) note.kind = note.domain = note.text = evil + evil;
  view.notes = std::make_shared<const std::vector<rcached::Note>>(notes);
  data_ = data_of(view);
  const std::string label = data_.domains.domains[0].label;
  data_ = data_of(view, label);
  ASSERT_TRUE(data_.detail);
  picture_.host = picture_.problem = evil;
  for (int v = 0; v < static_cast<int>(kViews); ++v) {
    state_.view = static_cast<ViewKind>(v);
    state_.selected = label;
    state_.filter = "";
    for (const Charset charset : {Charset::utf8, Charset::ascii}) {
      std::vector<Grid> drawn = {grid(80, 200, charset), render_plain(picture_, state_, 80, charset)};
      for (const Grid& each : drawn) {
        for (int row = 0; row < each.rows(); ++row) {
          for (int column = 0; column < each.columns(); ++column) {
            const char32_t c = each.at(row, column).glyph;
            ASSERT_FALSE(c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x202e) << each.line(row);
          }
        }
      }
    }
  }
}

TEST_F(Screens, PlainScreenHasAllPartsAndNoKeys) {
  state_.selected.clear();
  picture_.events_per_second = std::nullopt;
  for (int i = 0; i < 30; ++i) data_.domains.domains.push_back(plain_domain(fmt::format("1{:02}", i), 3));
  const Grid plain = render_plain(picture_, state_, 80, Charset::ascii);
  const std::string text = plain.text();
  EXPECT_HAS(text, "rcached 0.1.0  db7");
  EXPECT_HAS(text, "iovad-2");
  EXPECT_HAS(text, "129 ");  // all domains, regardless of the number of lines
  EXPECT_HAS(text, "4 depot-saturated: 2.5 overflows/s over the last 60 s");
  EXPECT_HAS(text, "events-lost 3 events were lost");
  EXPECT_FALSE(has(text, "q quit"));
  for (const std::string& each : lines_of(plain)) EXPECT_LE(each.size(), 80u);
}

TEST_F(Screens, PlainScreenLimitsTheVerdicts) {
  for (int i = 0; i < 40; ++i) {
    data_.domains.domains.push_back(plain_domain(fmt::format("1{:02}", i), 3));
    data_.domains.domains.back().verdicts = {{"cache-growth", true, "grows"}, {"healthy", true, "well"}};
  }
  const std::string text = render_plain(picture_, state_, 80, Charset::utf8).text();
  EXPECT_HAS(text, "... and 29 more; --domain LABEL");
  EXPECT_FALSE(has(text, "healthy:"));
}

TEST(SheetParts, BarsAreFullOrEmptyOnlyIfExact) {
  EXPECT_EQ(bar(0, 4), "░░░░");
  EXPECT_EQ(bar(0.001, 4), "█░░░");
  EXPECT_EQ(bar(0.999, 4), "███░");
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(7, 4), "████");
  EXPECT_EQ(bar(-1, 4), "░░░░");
  EXPECT_EQ(bar(0.5, 0), "");
}

TEST(SheetParts, Sparklines) {
  EXPECT_EQ(sparkline({0, 7}, 10), "▁█");
  EXPECT_EQ(sparkline({5, 5, 5}, 10), "▁▁▁");
  EXPECT_EQ(sparkline({0, std::nullopt, 7}, 10), "▁ █");
  EXPECT_EQ(sparkline({0, 2, 6, 8}, 2), "▁█");  // means of two each
  EXPECT_EQ(sparkline({}, 10), "");
  EXPECT_EQ(sparkline({1, 2}, 0), "");
}

TEST(SheetParts, TimesOfAnyKind) {
  testing::use_test_locale();
  EXPECT_EQ(clock_text(1'700'000'000, 1'700'000'100.0), "22:13:20");
  EXPECT_EQ(clock_text(1'700'000'000, std::nullopt), "2023-11-14 22:13:20");
  EXPECT_EQ(clock_text(1e300, 0.0), "-");
  EXPECT_EQ(clock_text(-1e300, 1e300), "-");
}

}  // namespace
}  // namespace rcached::top
