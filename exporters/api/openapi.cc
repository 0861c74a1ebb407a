// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document of /api/v1/openapi.json: paths written by hand, schemas from the structs' lists of
// fields.
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/version.h"
#include "exporters/api/api_routes.h"
#include "exporters/api/detail_model.h"
#include "exporters/api/model.h"
#include "exporters/api/status_model.h"

namespace rcached::api {
namespace {

using Json = nlohmann::ordered_json;

// All but info.version and components.schemas.
constexpr const char* kDocument = R"json({
  "openapi": "3.1.0",
  "info": {
    "title": "rcached",
    "summary": "The state of the Linux IOVA allocator, and of the daemon that observes it",
    "version": "",
    "description": "Read-only. Times are Unix seconds with a fraction. An unknown number is null, never 0. Counters count since the start of rcached, or since the domain was first seen. This document describes the responses of exactly this version of rcached. A later version may add members to them; under /api/v1 none is removed or changes its meaning.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
  },
  "servers": [{"url": "/"}],
  "security": [{}, {"basic": []}],
  "paths": {
    "/api/v1/domains": {
      "get": {
        "operationId": "getDomains",
        "summary": "Every domain with its balance sheet",
        "responses": {
          "200": {"description": "All domains", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Domains"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"},
          "503": {"$ref": "#/components/responses/NotYet"}
        }
      }
    },
    "/api/v1/domains/{domain}": {
      "get": {
        "operationId": "getDomain",
        "summary": "One domain with its orders and CPUs",
        "parameters": [{"$ref": "#/components/parameters/Domain"}],
        "responses": {
          "200": {"description": "The domain", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DomainDetail"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"},
          "404": {"$ref": "#/components/responses/UnknownDomain"},
          "503": {"$ref": "#/components/responses/NotYet"}
        }
      }
    },
    "/api/v1/domains/{domain}/history": {
      "get": {
        "operationId": "getDomainHistory",
        "summary": "History of the last hour",
        "parameters": [{"$ref": "#/components/parameters/Domain"}],
        "responses": {
          "200": {"description": "The series", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/History"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"},
          "404": {"$ref": "#/components/responses/UnknownDomain"},
          "503": {"$ref": "#/components/responses/NotYet"}
        }
      }
    },
    "/api/v1/status": {
      "get": {
        "operationId": "getStatus",
        "summary": "rcached itself: its sources, losses and cost",
        "responses": {
          "200": {"description": "The state of the daemon", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"},
          "503": {"$ref": "#/components/responses/NotYet"}
        }
      }
    },
    "/api/v1/notes": {
      "get": {
        "operationId": "getNotes",
        "summary": "Recent notes",
        "parameters": [{"name": "after", "in": "query", "description": "Only notes with a higher number", "schema": {"type": "integer", "minimum": 0}}],
        "responses": {
          "200": {"description": "The retained notes", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Notes"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"},
          "503": {"$ref": "#/components/responses/NotYet"}
        }
      }
    },
    "/api/v1/stream": {
      "get": {
        "operationId": "getStream",
        "summary": "Live updates of domains, status and notes",
        "description": "Opens even before the first snapshot, and waits for it.",
        "parameters": [
          {"name": "domain", "in": "query", "description": "Label of a domain to send with each snapshot", "schema": {"type": "string"}}
        ],
        "responses": {
          "200": {
            "description": "Server-sent events. An event `snapshot` immediately and for every new snapshot; with domain=, each is followed by an event `domain`, which contains the error object while there is no such domain. The ids are the increasing numbers of the snapshots; Last-Event-ID is ignored, because only the newest snapshot is useful. If there is nothing to send, a comment line every 15 seconds keeps the connection alive. A client that is slower than the snapshots misses some and gets the newest.",
            "content": {
              "text/event-stream": {
                "schema": {"type": "string"},
                "x-events": {
                  "snapshot": {"$ref": "#/components/schemas/Snapshot"},
                  "domain": {"anyOf": [{"$ref": "#/components/schemas/DomainDetail"}, {"$ref": "#/components/schemas/ErrorAnswer"}]}
                }
              }
            }
          },
          "400": {"$ref": "#/components/responses/BadRequest"}
        }
      }
    },
    "/api/v1/openapi.json": {
      "get": {
        "operationId": "getOpenapi",
        "summary": "This document",
        "responses": {
          "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}
        }
      }
    }
  },
  "components": {
    "parameters": {
      "Domain": {
        "name": "domain",
        "in": "path",
        "required": true,
        "description": "The label of a domain, e.g. 4 or iovad-2",
        "schema": {"type": "string"}
      }
    },
    "responses": {
      "BadRequest": {
        "description": "A query parameter that is unknown, not a number or badly encoded",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
      },
      "UnknownDomain": {
        "description": "There is no such domain; the hint lists existing ones",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
      },
      "NotYet": {
        "description": "No snapshot has been taken yet",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
      }
    },
    "securitySchemes": {"basic": {"type": "http", "scheme": "basic", "description": "If the web configuration has users"}}
  }
})json";

// Collects the schemas of structs, nested ones first.
class Schemas {
 public:
  template <Described T>
  void add() {
    if (all_.contains(T::kSchema.name)) return;
    Json properties = Json::object(), required = Json::array();
    T::fields([&]<class Member>(const char* name, Member T::*, const char* text, const Rule& rule = {}) {
      Json schema = schema_of<Member>(rule);
      if (*text != '\0') schema["description"] = text;
      properties[name] = std::move(schema);
      required.push_back(name);
    });
    Json schema = {{"type", "object"}};
    if (*T::kSchema.about != '\0') schema["description"] = T::kSchema.about;
    schema["properties"] = std::move(properties);
    schema["required"] = std::move(required);
    schema["additionalProperties"] = false;
    all_[T::kSchema.name] = std::move(schema);
  }

  Json take() { return std::move(all_); }

 private:
  template <class T>
  struct Tag {};

  template <class T>
  Json schema_of(const Rule& rule) {
    return of(Tag<T>(), rule);
  }

  Json of(Tag<bool>, const Rule&) { return {{"type", "boolean"}}; }
  Json of(Tag<std::uint64_t>, const Rule&) { return {{"type", "integer"}, {"minimum", 0}}; }
  Json of(Tag<std::int64_t>, const Rule&) { return {{"type", "integer"}}; }
  Json of(Tag<double>, const Rule& rule) {
    Json out = {{"type", "number"}};
    if (!rule.negative) out["minimum"] = 0;
    return out;
  }
  Json of(Tag<std::string>, const Rule& rule) {
    Json out = {{"type", "string"}};
    if (!rule.one_of.empty()) out["enum"] = std::vector<std::string>(rule.one_of.begin(), rule.one_of.end());
    return out;
  }
  template <Described T>
  Json of(Tag<T>, const Rule&) {
    add<T>();
    return {{"$ref", std::string("#/components/schemas/") + T::kSchema.name}};
  }
  template <class T>
  Json of(Tag<std::optional<T>>, const Rule& rule) {
    Json out = schema_of<T>(rule);
    if constexpr (Described<T>) return {{"anyOf", Json::array({out, {{"type", "null"}}})}};
    out["type"] = Json::array({out["type"], "null"});
    return out;
  }
  template <class T>
  Json of(Tag<std::vector<T>>, const Rule& rule) {
    return {{"type", "array"}, {"items", schema_of<T>(rule)}};
  }
  template <class T, std::size_t N>
  Json of(Tag<std::array<T, N>>, const Rule& rule) {
    return {{"type", "array"}, {"items", schema_of<T>(rule)}, {"minItems", N}, {"maxItems", N}};
  }

  Json all_ = Json::object();
};

std::string make_document() {
  Schemas schemas;
  schemas.add<ErrorAnswer>();
  schemas.add<Snapshot>();  // contains the responses for domains, status and notes
  schemas.add<DomainDetail>();
  schemas.add<History>();
  Json document = Json::parse(kDocument);
  document["info"]["version"] = RCACHED_VERSION;
  document["components"]["schemas"] = schemas.take();
  return document.dump();
}

}  // namespace

const std::string& openapi_document() {
  static const std::string document = make_document();
  return document;
}

}  // namespace rcached::api
