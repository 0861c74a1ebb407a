// SPDX-License-Identifier: Apache-2.0
#include "exporters/api/api_routes.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporters/api/answers.h"
#include "exporters/api/json.h"
#include "exporters/api/request.h"
#include "exporters/api/shared_bodies.h"
#include "exporters/api/stream.h"

namespace rcached {
namespace {

using api::bad_request;
using api::error_response;
using api::Parameters;
using api::SharedBodies;
using api::ViewBodies;

using Known = std::vector<std::string_view>;  // names of query parameters

HttpResponse json(ViewBodies::Body shared) {
  HttpResponse response;
  response.content_type = "application/json";
  response.shared_body = std::move(shared);
  return response;
}

HttpResponse json(std::string body) {
  HttpResponse response;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

// A handler that gets the current View's bodies and the query's parameters. Bad requests are rejected before it
// is called.
template <class Answer>
auto of_view(const std::shared_ptr<SharedBodies>& bodies, Known known, Answer answer) {
  return [bodies, known = std::move(known), answer](const HttpRequest& request) -> HttpResponse {
    const auto parameters = api::parse_query(request.query, known);
    if (!parameters) return error_response(parameters.error());
    const std::shared_ptr<const ViewBodies> current = bodies->current();
    if (current == nullptr) return error_response(api::not_ready());
    return answer(*current, *parameters, request);
  };
}

// The same for one domain, named in the path.
template <class Answer>
auto of_domain(const std::shared_ptr<SharedBodies>& bodies, Answer answer) {
  return of_view(bodies, {},
                 [answer](const ViewBodies& current, const Parameters&, const HttpRequest& request) {
                   const auto label = api::percent_decode(request.parameter);
                   if (!label) {
                     return error_response(bad_request("the path has a '%' without two hexadecimal digits"));
                   }
                   const NamedDomain* const domain = current.find(*label);
                   if (domain == nullptr) return error_response(api::unknown_domain(current.named(), *label));
                   return answer(current, *domain);
                 });
}

HttpResponse notes(const ViewBodies& current, const Parameters& parameters, const HttpRequest&) {
  const std::string* const after = api::value_of(parameters, "after");
  if (after == nullptr) return json(current.notes());
  const auto number = api::parse_number(*after);
  if (!number) {
    return error_response(
        bad_request(fmt::format("\"after\" is the number of a note, not {}", api::in_quotes(*after))));
  }
  return json(api::to_json(api::notes_answer(*current.view(), number)));
}

// Opens even before there is a View: a browser never retries a refused event stream.
HttpResponse stream(const std::shared_ptr<SharedBodies>& bodies, const HttpRequest& request) {
  const auto parameters = api::parse_query(request.query, {"domain"});
  if (!parameters) return error_response(parameters.error());
  const std::string* const given = api::value_of(*parameters, "domain");
  const auto domain = given == nullptr ? std::nullopt : std::optional(*given);
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.stream = [bodies, domain](HttpStream& out) { api::run_stream(*bodies, domain, out); };
  return response;
}

HttpResponse openapi(const HttpRequest& request) {
  const auto parameters = api::parse_query(request.query, {});
  return parameters ? json(api::openapi_document()) : error_response(parameters.error());
}

}  // namespace

std::vector<Route> api_routes(std::shared_ptr<const ViewSource> source) {
  const auto bodies = std::make_shared<SharedBodies>(std::move(source));
  return {
      {"/api/v1/domains", "every domain with its balance sheet, as JSON",
       of_view(bodies, {},
               [](const ViewBodies& current, const Parameters&, const HttpRequest&) {
                 return json(current.domains());
               })},
      {"/api/v1/domains/{domain}", "one domain with its orders and CPUs",
       of_domain(bodies, [](const ViewBodies& current,
                            const NamedDomain& domain) { return json(current.domain(domain)); })},
      {"/api/v1/domains/{domain}/history", "history of the last hour",
       of_domain(bodies,
                 [](const ViewBodies& current, const NamedDomain& domain) {
                   return json(api::to_json(api::history_answer(*current.view(), domain)));
                 })},
      {"/api/v1/status", "rcached itself: sources, losses, cost",
       of_view(bodies, {},
               [](const ViewBodies& current, const Parameters&, const HttpRequest&) {
                 return json(current.status());
               })},
      {"/api/v1/notes", "recent notes", of_view(bodies, {"after"}, notes)},
      {"/api/v1/stream", "live updates of all of it (server-sent events)",
       [bodies](const HttpRequest& request) { return stream(bodies, request); }},
      {"/api/v1/openapi.json", "OpenAPI description of this API", openapi},
  };
}

}  // namespace rcached
