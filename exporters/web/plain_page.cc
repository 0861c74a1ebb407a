// SPDX-License-Identifier: Apache-2.0
#include "exporters/web/plain_page.h"

#include <fmt/format.h>

#include <iterator>

#include "base/text.h"
#include "view/confidence_text.h"
#include "view/domain_names.h"

namespace rcached {
namespace {

// kPlainPagePolicy contains the hash of this text; when it changes, plain_page_test.cc prints the new one.
constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:104rem;margin:2rem auto;padding:0 1rem}"
    "div{overflow-x:auto}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;padding-bottom:.4rem}"
    "th,td{padding:.3rem .8rem;border-bottom:1px solid #8886;text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child,td:nth-child(2),th:nth-child(2){text-align:left}"
    "td:nth-child(2){white-space:normal}"
    ".lossy,.wait{color:#c33;font-weight:600}";

void add_domain(std::string& out, const NamedDomain& named, std::uint64_t now_ns) {
  const DomainSnapshot& s = *named.state;
  std::string devices = named.info.devices;
  if (!named.info.driver.empty()) devices += " (" + named.info.driver + ")";
  fmt::format_to(
      std::back_inserter(out),
      "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
      "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
      html_escape(named.info.label), html_escape(devices), html_escape(named.info.type), s.tree_ranges,
      s.outstanding, s.outstanding_before_start, s.fq_pending ? std::to_string(*s.fq_pending) : "unknown",
      s.cpu_cached, s.depot_cached, s.reserved, s.unaccounted, to_string(s.confidence),
      confidence_text(s, now_ns));
}

void add_balance_sheets(std::string& out, const View& view, std::uint64_t now_ns) {
  if (view.snapshot.domains.empty()) {
    out +=
        "<p>No domain has been seen yet. A domain appears when one of its devices maps memory for the first "
        "time.</p>\n";
    return;
  }
  out +=
      "<div><table><caption>Balance sheets, in ranges: tree = outstanding + cpu rcaches + depot + reserved "
      "+ unaccounted. Outstanding ranges include those mapped before rcached traced the domain and those "
      "in the flush queue.</caption>\n"
      "<thead><tr><th scope=\"col\">domain</th><th scope=\"col\">devices</th><th scope=\"col\">type</th>"
      "<th scope=\"col\">tree</th><th scope=\"col\">outstanding</th><th scope=\"col\">before start</th>"
      "<th scope=\"col\">flush queue</th>"
      "<th scope=\"col\">cpu rcaches</th><th scope=\"col\">depot</th><th scope=\"col\">reserved</th>"
      "<th scope=\"col\">unaccounted</th><th scope=\"col\">confidence</th></tr></thead><tbody>\n";
  for (const NamedDomain& domain : named_domains(view)) add_domain(out, domain, now_ns);
  out += "</tbody></table></div>\n";
}

}  // namespace

const char* const kPlainPagePolicy =
    "default-src 'none'; style-src 'sha256-QqcS+GwYjmPAOu6R/mz/Zgx+dWG2E8i17HqSK1zsVZ0='; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

std::string plain_page(const View* view, std::string_view not_ready_reason, std::uint64_t now_ns,
                       std::string_view remark) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>rcached</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<style>{}</style></head><body>\n<h1>rcached</h1>\n"
      "<p>The state of the Linux IOVA allocator on this host.</p>\n",
      kStyle);
  if (!remark.empty()) fmt::format_to(std::back_inserter(out), "<p>{}</p>\n", html_escape(remark));
  if (!not_ready_reason.empty()) {
    fmt::format_to(std::back_inserter(out), "<p class=\"wait\">Not ready: {}.</p>\n",
                   html_escape(not_ready_reason));
  }
  if (view != nullptr) {
    fmt::format_to(std::back_inserter(out),
                   "<p>Version {}, kernel {}, {} depots; source {}, mode {}; {} events applied.</p>\n",
                   html_escape(view->status.version), html_escape(view->kernel.release),
                   view->kernel.profile.depot == DepotKind::bounded ? "bounded" : "unbounded",
                   html_escape(view->status.source), html_escape(view->status.mode), view->status.events);
    add_balance_sheets(out, *view, now_ns);
  }
  out +=
      "<ul><li><a href=\"/metrics\">/metrics</a>: metrics for Prometheus</li>\n"
      "<li><a href=\"/-/healthy\">/-/healthy</a>: does the process respond?</li>\n"
      "<li><a href=\"/-/ready\">/-/ready</a>: is the kernel traced?</li></ul>\n</body></html>\n";
  return out;
}

}  // namespace rcached
