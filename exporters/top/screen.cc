// SPDX-License-Identifier: Apache-2.0
#include "exporters/top/screen.h"

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <curses.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <string>

namespace rcached::top {
namespace {

constexpr short kTitlePair = 1, kGoodPair = 2, kWarningPair = 3, kBadPair = 4, kHeatPair = 10;

void make_pairs(bool many) {
  init_pair(kTitlePair, COLOR_CYAN, -1);
  init_pair(kGoodPair, COLOR_GREEN, -1);
  init_pair(kWarningPair, COLOR_YELLOW, -1);
  init_pair(kBadPair, COLOR_RED, -1);
  struct Heat {
    short ink, paper;
  };
  // From cold to hot. The digit in the cell shows the same level.
  constexpr std::array<Heat, 10> kMany = {{{250, 17},
                                           {250, 18},
                                           {255, 24},
                                           {255, 30},
                                           {16, 36},
                                           {16, 71},
                                           {16, 148},
                                           {16, 220},
                                           {16, 208},
                                           {255, 160}}};
  constexpr std::array<Heat, 10> kFew = {{{COLOR_WHITE, COLOR_BLUE},
                                          {COLOR_WHITE, COLOR_BLUE},
                                          {COLOR_BLACK, COLOR_CYAN},
                                          {COLOR_BLACK, COLOR_CYAN},
                                          {COLOR_BLACK, COLOR_GREEN},
                                          {COLOR_BLACK, COLOR_GREEN},
                                          {COLOR_BLACK, COLOR_YELLOW},
                                          {COLOR_BLACK, COLOR_YELLOW},
                                          {COLOR_WHITE, COLOR_RED},
                                          {COLOR_WHITE, COLOR_RED}}};
  for (std::size_t i = 0; i < kMany.size(); ++i) {
    const Heat& heat = many ? kMany[i] : kFew[i];
    init_pair(static_cast<short>(kHeatPair + static_cast<short>(i)), heat.ink, heat.paper);
  }
}

void set_up_input() {
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);
  curs_set(0);
}

Special special_of(wint_t code) {
  switch (code) {
    case KEY_ENTER:
      return Special::enter;
    case KEY_BACKSPACE:
      return Special::backspace;
    case KEY_BTAB:
      return Special::back_tab;
    case KEY_UP:
      return Special::up;
    case KEY_DOWN:
      return Special::down;
    case KEY_LEFT:
      return Special::left;
    case KEY_RIGHT:
      return Special::right;
    case KEY_PPAGE:
      return Special::page_up;
    case KEY_NPAGE:
      return Special::page_down;
    case KEY_HOME:
      return Special::home;
    case KEY_END:
      return Special::end;
    case KEY_F(1):
      return Special::help;
    case KEY_F(5):
      return Special::refresh;
    default:
      return Special::none;
  }
}

Key key_of(wint_t character) {
  switch (character) {
    case '\r':
    case '\n':
      return {0, Special::enter};
    case '\t':
      return {0, Special::tab};
    case 27:
      return {0, Special::escape};
    case 8:
    case 127:
      return {0, Special::backspace};
    default:
      return {static_cast<char32_t>(character), Special::none};
  }
}

}  // namespace

std::unique_ptr<Screen> Screen::open(bool colours) {
  std::unique_ptr<Screen> screen(new Screen(colours));
  return screen->screen_ == nullptr ? nullptr : std::move(screen);
}

Screen::Screen(bool colours) {
  use_env(TRUE);
  use_tioctl(TRUE);
  SCREEN* made = newterm(nullptr, stdout, stdin);
  if (made == nullptr) return;
  screen_ = made;
  set_term(made);
  set_up_input();
  colours_ = colours && has_colors() && start_color() == OK && use_default_colors() == OK;
  many_colours_ = colours_ && COLORS >= 256;
  if (colours_) make_pairs(many_colours_);
}

Screen::~Screen() {
  if (screen_ == nullptr) return;
  endwin();
  delscreen(static_cast<SCREEN*>(screen_));
}

unsigned long Screen::attributes(const Style& style) const {
  attr_t out = A_NORMAL;
  const auto pair = [&](short number) { return colours_ ? COLOR_PAIR(number) : 0; };
  switch (style.tone) {
    case Tone::normal:
      break;
    case Tone::faint:
      out |= A_DIM;
      break;
    case Tone::title:
      out |= pair(kTitlePair);
      break;
    case Tone::good:
      out |= pair(kGoodPair);
      break;
    case Tone::warning:
      out |= pair(kWarningPair) | A_BOLD;
      break;
    case Tone::bad:
      out |= pair(kBadPair) | A_BOLD;
      break;
    case Tone::heat:
      out |= pair(static_cast<short>(kHeatPair + style.heat));
      break;
  }
  if (style.bold) out |= A_BOLD;
  if (style.reverse) out |= A_REVERSE;
  return out;
}

void Screen::draw(const Grid& grid) {
  werase(stdscr);
  for (int row = 0; row < grid.rows(); ++row) {
    std::wstring run;
    int start = 0;
    const auto flush = [&](int next) {
      if (!run.empty()) {
        wattrset(stdscr, static_cast<int>(attributes(grid.at(row, start).style)));
        mvwaddnwstr(stdscr, row, start, run.c_str(), static_cast<int>(run.size()));
      }
      run.clear();
      start = next;
    };
    for (int column = 0; column < grid.columns(); ++column) {
      const Cell& cell = grid.at(row, column);
      if (cell.width == 0) continue;
      if (cell.style != grid.at(row, start).style) flush(column);
      run += static_cast<wchar_t>(cell.glyph);
    }
    flush(0);
  }
  wattrset(stdscr, A_NORMAL);
  wrefresh(stdscr);
}

Size Screen::size() const { return {getmaxy(stdscr), getmaxx(stdscr)}; }

void Screen::resized() {
  if (const auto size = terminal_size()) resizeterm(size->rows, size->columns);
}

void Screen::redraw() { clearok(curscr, TRUE); }

std::optional<Key> Screen::key() {
  wint_t code = 0;
  const int got = wget_wch(stdscr, &code);
  if (got == ERR) return std::nullopt;
  if (got == KEY_CODE_YES) return Key{0, special_of(code)};
  return key_of(code);
}

void Screen::suspend() {
  endwin();
  std::raise(SIGSTOP);  // continues here after SIGCONT
  resized();            // a stopped process gets no SIGWINCH
  redraw();
  wrefresh(stdscr);
  curs_set(0);
}

}  // namespace rcached::top
