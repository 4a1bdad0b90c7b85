/// serried-ctl: what an operator tells a running server, over its control socket.

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "process/standard.h"
#include "tools/arguments.h"

namespace {

using serried::base::Json;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr timeval patience{10, 0};
constexpr const char* until_lifted = "ever";  ///< of --for: what it is when it is not given

int fail(const std::string& message) {
  std::cerr << "serried-ctl: " << message << "\n";
  return exit_failed;
}

/// "90s", "10m", "12h", "7d", or seconds alone; negative: no time.
double seconds_of(const std::string& text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  if (fault != std::errc{} || value <= 0) return -1;
  if (unit.empty() || unit == "s") return value;
  if (unit == "m") return value * 60;
  if (unit == "h") return value * 3'600;
  return unit == "d" ? value * 86'400 : -1;
}

std::string for_people(double seconds) {
  const char* unit = "s";
  for (const auto& [length, name] : {std::pair{86'400.0, "d"}, {3'600.0, "h"}, {60.0, "m"}}) {
    if (seconds < 2 * length) continue;
    seconds /= length;
    unit = name;
    break;
  }
  return std::to_string(static_cast<long>(seconds)) + unit;
}

/// One line there, one line back. False: `answer` says why not.
bool ask(const std::string& path, const std::string& request, std::string& answer) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    answer = "the path of the control socket is too long";
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0 || connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    answer = "cannot reach a server at " + path + " (" + std::strerror(errno) +
             "); is it running with --control-socket " + path + ", and are you its user?";
    if (file >= 0) close(file);
    return false;
  }
  setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string whole = request + "\n";
  bool good = send(file, whole.data(), whole.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(whole.size());
  char bytes[4'096];
  for (ssize_t got = 1; good && got > 0;) {
    got = recv(file, bytes, sizeof bytes, 0);
    if (got > 0) answer.append(bytes, static_cast<std::size_t>(got));
  }
  close(file);
  good = good && !answer.empty() && answer.back() == '\n';
  if (!good) answer = "the server at " + path + " did not answer";
  return good;
}

/// What an answer must hold. std::bad_optional_access: it does not.
bool flag(const Json& object, const char* name) { return object.member_or_null(name).as_bool().value(); }
std::string text(const Json& object, const char* name) { return object.member_or_null(name).as_text().value(); }

void print_bans(const Json& bans) {
  if (!bans.is_array()) throw std::bad_optional_access{};
  if (bans.elements().empty()) std::puts("no address is banned");
  for (const Json& ban : bans.elements()) {
    const auto left = ban.member_or_null("seconds_left").as_number();
    if (!left && !(ban.has("seconds_left") && ban.member_or_null("seconds_left").is_null()))
      throw std::bad_optional_access{};
    std::string line =
        text(ban, "address") + "  by " + text(ban, "by") + ", " + (left ? for_people(*left) + " left" : "for ever");
    if (!flag(ban, "in_force")) line += ", not in force in every lane";
    if (flag(ban, "before_lanes")) line += ", dropped before the lanes";
    if (const std::string reason = text(ban, "reason"); !reason.empty()) line += ": " + reason;
    std::puts(line.c_str());
  }
}

/// "rules    0000:18:00.0: 4 of 4 lanes steered; bans: IPv4 addresses (the driver is not known ...), 3 there"
void print_rules(const Json& rules) {
  const auto why = [&rules](const char* name) {
    const std::string reason = text(rules, name);
    return reason.empty() ? reason : " (" + reason + ")";
  };
  std::string bans;
  const Json& kinds = rules.member_or_null("bans");
  for (const Json& kind : kinds.elements()) bans += (bans.empty() ? "" : ", ") + kind.as_text().value();
  std::printf("rules    %s: %s of %s lanes steered%s; bans: %s%s, %s there\n", text(rules, "port").c_str(),
              rules.member_or_null("lanes_steered").text().c_str(), rules.member_or_null("lanes").text().c_str(),
              why("not_steered").c_str(), bans.empty() ? "none" : bans.c_str(), why("not_banned").c_str(),
              rules.member_or_null("ban_rules").text().c_str());
}

void print_status(const Json& answer) {
  const Json& status = answer.member_or_null("status");
  if (status.is_null()) {
    std::puts("the server has not counted anything yet");
    return;
  }
  std::printf("version  %s, up %.0f s\n", text(status, "version").c_str(),
              status.member_or_null("seconds").as_number().value());
  if (status.member_or_null("measurement").as_bool().value_or(false))
    std::puts("mode     MEASUREMENT: the keys are no secret; never for players");
  std::printf("bans     %s\n", answer.member_or_null("bans").text().c_str());
  const Json& ports = status.member_or_null("rules");
  for (const Json& rules : ports.elements()) print_rules(rules);
  for (const std::string& group : status.names()) {
    const Json& figures = status.member_or_null(group);
    for (const std::string& name : figures.names())
      if (const Json& figure = figures.member_or_null(name); figure.is_number())
        std::printf("%-11s %s %s\n", group.c_str(), name.c_str(), figure.text().c_str());
  }
}

int run_program(int argc, char** argv) {
  serried::tools::Arguments app(
      "serried-ctl", "Tells a running serried-server, over its --control-socket, whom to ban, and asks how it is.");
  std::string socket_path, address, length{until_lifted}, reason;
  bool json = false;
  app.add("--socket", socket_path, "the server's control socket").required().unit("PATH");
  app.require_command();
  auto ban = app.add_command("ban", "addresses whose datagrams the server drops");
  ban.require_command();
  auto add = ban.add_command("add", "ban an address or network; its sessions end");
  add.add("address", address, "ADDRESS or ADDRESS/LENGTH").required();
  add.add("--for", length, "how long: 90s, 10m, 12h, 7d, or seconds; without it until it is lifted").unit("TIME");
  add.add("--reason", reason, "a note for the list, one line of at most 256 bytes").unit("TEXT");
  auto list = ban.add_command("list", "all bans, operators' and scores'");
  list.add_flag("--json", json, "as one JSON object");
  auto lift = ban.add_command("lift", "end a ban");
  lift.add("address", address, "as it stands in the list").required();
  auto status = app.add_command("status", "figures of the last second");
  status.add_flag("--json", json, "as one JSON object");
  if (const auto ended = app.parse(argc, argv)) return *ended;

  Json request;
  if (add.given()) {
    request = {{"command", "ban add"}, {"address", address}, {"reason", reason}};
    if (length != until_lifted) {
      const double seconds = seconds_of(length);
      if (seconds < 0) {
        std::cerr << "serried-ctl: --for " << length
                  << " is no time; write one like 90s, 10m, 12h or 7d, or leave it out\n";
        return exit_usage;
      }
      request["for_s"] = seconds;
    }
  } else if (lift.given()) {
    request = {{"command", "ban lift"}, {"address", address}};
  } else {
    request = {{"command", list.given() ? "ban list" : "status"}};
  }
  std::string reply;
  if (!ask(socket_path, request.text(), reply)) return fail(reply);
  try {
    const Json answer = Json::parse(reply).value();
    if (!flag(answer, "ok")) return fail(text(answer, "error"));
    if (json)
      std::fputs(reply.c_str(), stdout);
    else if (list.given())
      print_bans(answer.member_or_null("bans"));
    else if (status.given())
      print_status(answer);
    else
      std::printf("%s %s\n", add.given() ? "banned" : "lifted",
                  text(answer, add.given() ? "banned" : "lifted").c_str());
    if (const auto note = answer.member_or_null("note").as_text()) std::cerr << "serried-ctl: note: " << *note << "\n";
  } catch (const std::bad_optional_access&) {
    return fail("the server's answer is not understood; is it of another version?");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  serried::process::begin_to_print();
  return serried::process::ended("serried-ctl", run_program(argc, argv));
}
