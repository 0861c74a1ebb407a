// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/hostile_http_requests.h"

#include <algorithm>

namespace rcached::e2e {

const std::vector<HostileRequests::Kind>& HostileRequests::table() {
  static const std::vector<Kind> kinds = {{"truncated", &HostileRequests::truncated},
                                          {"noise", &HostileRequests::noise_only},
                                          {"mutated", &HostileRequests::mutated},
                                          {"methods", &HostileRequests::methods},
                                          {"versions", &HostileRequests::versions},
                                          {"paths", &HostileRequests::paths},
                                          {"absolute URIs", &HostileRequests::absolute_uris},
                                          {"huge heads", &HostileRequests::huge_heads},
                                          {"many headers", &HostileRequests::many_headers},
                                          {"bad headers", &HostileRequests::bad_headers},
                                          {"injections", &HostileRequests::injections},
                                          {"bad lengths", &HostileRequests::bad_lengths},
                                          {"chunked bodies", &HostileRequests::chunked_bodies},
                                          {"smuggling", &HostileRequests::smuggling},
                                          {"pipelined", &HostileRequests::pipelined},
                                          {"NULs", &HostileRequests::nuls},
                                          {"line ends", &HostileRequests::line_ends},
                                          {"credentials", &HostileRequests::credentials},
                                          {"encodings", &HostileRequests::encodings},
                                          {"upgrades", &HostileRequests::upgrades},
                                          {"other protocols", &HostileRequests::other_protocols},
                                          {"byte by byte", &HostileRequests::byte_by_byte},
                                          {"nothing", &HostileRequests::nothing},
                                          {"streams", &HostileRequests::streams},
                                          {"large answers", &HostileRequests::large_answers}};
  return kinds;
}

std::vector<std::string_view> HostileRequests::kinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : table()) names.push_back(kind.name);
  return names;
}

HostileRequest HostileRequests::next() {
  const Kind& kind = table()[below(table().size())];
  HostileRequest request;
  request.kind = kind.name;
  switch (below(8)) {
    case 0:
      request.ending = Ending::close;
      break;
    case 1:
      request.ending = Ending::reset;
      break;
    case 2:
      request.ending = Ending::read_some;
      break;
    default:
      request.ending = Ending::half_close;
  }
  (this->*kind.make)(request);
  if (chance(10)) {  // in two parts, split anywhere
    std::vector<std::string> torn;
    for (const std::string& piece : request.pieces) {
      const std::size_t at = piece.empty() ? 0 : below(piece.size());
      torn.push_back(piece.substr(0, at));
      torn.push_back(piece.substr(at));
    }
    request.pieces = std::move(torn);
  }
  return request;
}

std::string HostileRequests::noise(std::size_t length) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(below(256));
  return text;
}

std::string HostileRequests::letters(std::size_t length) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>('!' + below(94));
  return text;
}

std::string HostileRequests::path() {
  return pick({"/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/domains/4", "/nothing", "/big"});
}

std::string HostileRequests::head(const std::string& first_line) {
  std::string text = first_line + "\r\nHost: localhost\r\n";
  if (chance(3)) text += "Authorization: " + authorization_ + "\r\n";
  return text;
}

void HostileRequests::truncated(HostileRequest& request) {
  const std::string whole = head("GET " + path() + " HTTP/1.1") + "Accept: */*\r\n\r\n";
  request.pieces = {whole.substr(0, below(whole.size()))};
}

void HostileRequests::noise_only(HostileRequest& request) {
  request.pieces = {noise(1 + below(2000)) + (chance(2) ? "\r\n\r\n" : "")};
}

void HostileRequests::mutated(HostileRequest& request) {
  std::string text = head("GET " + path() + " HTTP/1.1") + "Accept-Encoding: gzip\r\n\r\n";
  for (std::size_t i = 1 + below(6); i > 0; --i) {
    const std::size_t at = below(text.size());
    switch (below(3)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text.erase(at, 1);
        break;
      default:
        text.insert(at, 1, static_cast<char>(below(256)));
    }
  }
  request.pieces = {text};
}

void HostileRequests::methods(HostileRequest& request) {
  const std::string method =
      pick({"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "MKCOL", "LOCK",
            "get", "GeT", "", " ", "GET\t", "\"GET\"", letters(300)});
  request.pieces = {head(method + " " + path() + " HTTP/1.1") + "\r\n"};
}

void HostileRequests::versions(HostileRequest& request) {
  const std::string version =
      pick({"HTTP/0.9", "HTTP/1.2", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/11", "HTTP/1.1.1", "HTTP/-1.1",
            "HTTP/", "HTTP", "http/1.1", "HTTP/1,1", "", letters(50), "HTTP/99999999999999999999.1"});
  request.pieces = {head("GET " + path() + " " + version) + "\r\n"};
}

void HostileRequests::paths(HostileRequest& request) {
  static const std::vector<std::string> parts = {
      "..",    ".",    "%2e%2e", "%2f",   "..%2f",    "..\\", "%5c",      "etc",     "passwd",
      "//",    "%00",  "%zz",    "%",     "{domain}", "api",  "v1",       "domains", "history",
      "~root", ";x=y", "*",      "#frag", "?",        "&&",   "\xc3\x28", "\xff",    "%c0%ae"};
  std::string text = "/";
  for (std::size_t i = 1 + below(12); i > 0; --i) text += pick(parts) + (chance(3) ? "" : "/");
  if (chance(20)) text += std::string(3000, '.');
  request.pieces = {head("GET " + text + " HTTP/1.1") + "\r\n"};
}

void HostileRequests::absolute_uris(HostileRequest& request) {
  const std::string uri = pick({"http://localhost/metrics",
                                "http://evil.example/",
                                "https://localhost:1/",
                                "http://",
                                "http:///",
                                "http://localhost:99999/",
                                "http://localhost:0/",
                                "http://[::1]/metrics",
                                "http://a:b@localhost/",
                                "ws://localhost/",
                                "file:///etc/passwd",
                                "http:/metrics",
                                "HTTP://LOCALHOST/",
                                "http://localhost:/x",
                                "*",
                                "metrics",
                                "localhost:80",
                                "http://" + letters(500) + "/",
                                "http://localhost:-1/",
                                "//etc/passwd"});
  request.pieces = {head(pick({"GET ", "HEAD ", "OPTIONS ", "CONNECT "}) + uri + " HTTP/1.1") + "\r\n"};
}

void HostileRequests::huge_heads(HostileRequest& request) {
  const std::size_t size = 8'000 + below(60'000);
  switch (below(4)) {
    case 0:
      request.pieces = {"GET /" + std::string(size, 'a') + " HTTP/1.1\r\n\r\n"};
      break;
    case 1:
      request.pieces = {head("GET / HTTP/1.1") + "X: " + letters(size) + "\r\n\r\n"};
      break;
    case 2:
      request.pieces = {head("GET / HTTP/1.1") + letters(size) + ": x\r\n\r\n"};
      break;
    default:
      request.pieces = {std::string(size, 'G') + " / HTTP/1.1\r\n\r\n"};
  }
}

void HostileRequests::many_headers(HostileRequest& request) {
  std::string text = head("GET " + path() + " HTTP/1.1");
  for (std::size_t i = 50 + below(1000); i > 0; --i) text += chance(2) ? "A: b\r\n" : letters(3) + ":\r\n";
  request.pieces = {text + "\r\n"};
}

void HostileRequests::bad_headers(HostileRequest& request) {
  const std::string header = pick({"NoColon",
                                   ": empty name",
                                   " : blank name",
                                   "Name : blank before",
                                   "Na me: x",
                                   "X:",
                                   "X",
                                   " folded: continuation",
                                   "\tfolded",
                                   "X: a\r\n b",
                                   "X: \x01\x02\x7f",
                                   "Host:",
                                   "Host: a\r\nHost: b",
                                   "\xff\xfe: x",
                                   "Range: bytes=0-18446744073709551615",
                                   "Range: bytes=-1,-1,-1",
                                   "Cookie: " + noise(200),
                                   "If-Modified-Since: never",
                                   "Expect: 100-continue",
                                   "Expect: nonsense",
                                   "Accept: " + letters(5000)});
  request.pieces = {head("GET " + path() + " HTTP/1.1") + header + "\r\n\r\n"};
}

void HostileRequests::injections(HostileRequest& request) {
  static const std::string kHeader = "Injected: yes";
  const std::string text =
      pick({"/%0d%0a" + kHeader, "/\r\n" + kHeader, "/?q=%0d%0a" + kHeader, "/\n" + kHeader, "/\r" + kHeader,
            "/api/v1/domains/%0d%0a" + kHeader, "/\xc4\x8d\xc4\x8a" + kHeader, "/<script>alert(1)</script>",
            "/'\"><img src=x>", "/${jndi:ldap://x}", "/%25%30%64"});
  request.pieces = {head("GET " + text + " HTTP/1.1") + "Accept-Encoding: gzip%0d%0a" + kHeader + "\r\n\r\n"};
}

void HostileRequests::bad_lengths(HostileRequest& request) {
  const std::string length =
      pick({"-1", "0", "5", "99999999999999999999", "18446744073709551616", "0x10", "1e3", "", "abc", "5, 5",
            "5\r\nContent-Length: 6", "+5", " 5 ", "9223372036854775807"});
  request.pieces = {head(pick({"GET ", "POST ", "PUT "}) + path() + " HTTP/1.1") +
                    "Content-Length: " + length + "\r\n\r\n" + noise(below(3000))};
}

void HostileRequests::chunked_bodies(HostileRequest& request) {
  std::string body;
  for (std::size_t i = below(6); i > 0; --i) {
    body += pick({"5\r\nhello\r\n", "0\r\n", "ffffffffffffffff\r\nx", "-1\r\n",
                  "5;ext=" + letters(300) + "\r\nhello\r\n", "zz\r\n", "5\nhello\n", "\r\n", "5\r\nhel",
                  "00000000000000000005\r\nhello\r\n"});
  }
  request.pieces = {
      head("POST " + path() + " HTTP/1.1") + "Transfer-Encoding: " +
      pick({"chunked", "Chunked", "gzip, chunked", "identity", "chunked, chunked", "xchunked", ""}) +
      "\r\n\r\n" + body};
}

void HostileRequests::smuggling(HostileRequest& request) {
  request.pieces = {head("POST / HTTP/1.1") +
                    pick({"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
                          "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                          "Content-Length: 0\r\nContent-Length: 44\r\n", "Transfer-Encoding : chunked\r\n",
                          "Content-Length:\t44\r\n"}) +
                    "\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"};
}

void HostileRequests::pipelined(HostileRequest& request) {
  std::string text;
  for (std::size_t i = 2 + below(60); i > 0; --i) {
    text += head("GET " + path() + " HTTP/1.1") + "Connection: keep-alive\r\n\r\n";
  }
  request.pieces = {text};
}

void HostileRequests::nuls(HostileRequest& request) {
  std::string text = head("GET " + path() + "?a=b HTTP/1.1") + "X-Thing: value\r\n\r\n";
  for (std::size_t i = 1 + below(4); i > 0; --i) text.insert(below(text.size()), 1, '\0');
  request.pieces = {text};
}

void HostileRequests::line_ends(HostileRequest& request) {
  std::string text = head("GET " + path() + " HTTP/1.1") + "\r\n";
  const std::string end = pick({"\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\v", "\f", "\xe2\x80\xa8", ""});
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      out += end;
      ++i;
    } else {
      out += text[i];
    }
  }
  request.pieces = {pick({"", "\r\n", "\r\n\r\n", "\n\n\n"}) + out};
}

void HostileRequests::credentials(HostileRequest& request) {
  std::string broken = authorization_;
  broken[below(broken.size())] = static_cast<char>(below(256));
  const std::string value = pick(
      {"", "Basic", "Basic ", "Basic =", "Basic ====", "Basic Og==", "Basic " + letters(900),
       "Basic " + std::string(9000, 'A'), "Bearer " + letters(40), "Digest username=\"a\"", "Negotiate x",
       "basic\t", "Basic  " + noise(20), authorization_ + "=", authorization_ + ", " + authorization_, broken,
       "Basic YWxpY2U6d3Jvbmc=", "Basic bWFsbG9yeTpzZWNyZXQ=", authorization_ + " x"});
  request.pieces = {"GET " + path() + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + value + "\r\n" +
                    (chance(4) ? "Authorization: " + authorization_ + "\r\n" : "") + "\r\n"};
}

void HostileRequests::encodings(HostileRequest& request) {
  const std::string value = pick({"gzip;q=", "gzip;q=2", "gzip;q=0.0000000001", "*;q=0", ",,,,", ";;;",
                                  "gzip, " + letters(2000), "identity;q=0", "gzip;q=nan", "GZIP", "gzip gzip",
                                  "br;q=1, *;q=0, identity;q=0", std::string(3000, ','), noise(100)});
  request.pieces = {head("GET /metrics HTTP/1.1") + pick({"Accept-Encoding: ", "Accept: "}) + value +
                    "\r\nAccept: application/openmetrics-text;version=" + letters(20) + "\r\n\r\n"};
}

void HostileRequests::upgrades(HostileRequest& request) {
  request.pieces = {head("GET " + path() + " HTTP/1.1") + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " +
                    pick({"websocket", "h2c", "TLS/1.0", letters(100), ""}) +
                    "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + letters(24) +
                    "\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" + noise(below(100))};
}

void HostileRequests::other_protocols(HostileRequest& request) {
  request.pieces = {
      pick({std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + noise(300),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "EHLO localhost\r\n",
            "*1\r\n$4\r\nPING\r\n", std::string("\x03\x00\x00\x13\x0e\xe0\x00\x00", 8), "\r\n\r\n",
            "GET / \r\n\r\n", "GET /\r\n\r\n", std::string(5000, '\n'), std::string(20'000, ' ')})};
}

void HostileRequests::byte_by_byte(HostileRequest& request) {
  const std::string text = head("GET " + path() + " HTTP/1.1") + "\r\n";
  for (const char c : text) request.pieces.emplace_back(1, c);
}

void HostileRequests::nothing(HostileRequest& request) {
  request.pieces.clear();
  if (request.ending == Ending::read) request.ending = Ending::close;
}

void HostileRequests::streams(HostileRequest& request) {
  request.pieces = {head(pick({"GET", "HEAD"}) + " /stream HTTP/1.1") + "\r\n"};
  request.ending = chance(2) ? Ending::reset : Ending::read_some;
}

void HostileRequests::large_answers(HostileRequest& request) {
  request.pieces = {head("GET /big HTTP/1.1") + "\r\n"};
  request.ending = chance(2) ? Ending::reset : Ending::read_some;
}

}  // namespace rcached::e2e
