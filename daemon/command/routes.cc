// SPDX-License-Identifier: Apache-2.0
#include "daemon/command/routes.h"

#include <string_view>

#include "base/monotonic_clock.h"
#include "exporters/api/api_routes.h"
#include "exporters/prometheus/metrics_page.h"
#include "exporters/web/plain_page.h"
#include "exporters/web/web_page.h"
#include "view/confidence_text.h"

namespace rcached {
namespace {

// Empty when the daemon is ready.
std::string not_ready_reason(const View* view) {
  if (view == nullptr) return "rcached is starting: no snapshot has been taken yet";
  if (view->status.ready) return {};
  return view->status.not_ready_reason.empty() ? "the event source is not running yet"
                                               : view->status.not_ready_reason;
}

HttpResponse text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body) + "\n";
  return response;
}

HttpResponse ready(const View* view) {
  const std::string reason = not_ready_reason(view);
  return reason.empty() ? text(200, "rcached is ready") : text(503, "not ready: " + reason);
}

HttpResponse plain_response(const View* view, std::string_view remark) {
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy", kPlainPagePolicy}};
  response.body = plain_page(view, not_ready_reason(view), monotonic_now_ns(), remark);
  return response;
}

}  // namespace

std::vector<Route> standard_routes(const std::shared_ptr<const ViewSource>& source) {
  return standard_routes(source, std::make_shared<MetricsPage>(source));
}

std::vector<Route> standard_routes(const std::shared_ptr<const ViewSource>& source,
                                   const std::shared_ptr<MetricsPage>& page) {
  std::vector<Route> routes = {
      {"/metrics", "metrics for Prometheus",
       [page](const HttpRequest& request) { return page->answer(request); }},
      {"/-/healthy", "200 while the process answers",
       [](const HttpRequest&) { return text(200, "rcached is healthy"); }},
      {"/-/ready", "200 once the kernel is followed",
       [source](const HttpRequest&) { return ready(source->view().get()); }},
  };
  for (Route& route : api_routes(source)) routes.push_back(std::move(route));
  const auto plain = [source](std::string_view remark) {
    return plain_response(source->view().get(), remark);
  };
  for (Route& route : web_routes(plain)) routes.push_back(std::move(route));
  return routes;
}

}  // namespace rcached
