#include "admin/admin.h"

#include <algorithm>

#include "base/json.h"
#include "port/address.h"

namespace serried::admin {
namespace {

using base::Json;

std::string line(const Json& json) { return json.text(); }
std::string refuse(const std::string& why) { return line({{"ok", false}, {"error", why}}); }

constexpr double seconds_max = 10.0 * 366 * 24 * 3600;

}  // namespace

Result<guard::Prefix> parse_prefix(const std::string& text) {
  const auto parsed = port::parse_local_address(text);
  if (!parsed) return parsed.error();
  const unsigned before = port::is_ipv4(parsed.value().address) ? guard::mapped_bits : 0;
  const guard::Prefix prefix = guard::prefix_of(parsed.value().address, before + parsed.value().prefix_bits);
  if (prefix.address != parsed.value().address)
    return Error{"\"" + text + "\" has bits behind its prefix; did you mean " + format_prefix(prefix) + "?"};
  return prefix;
}

std::string format_prefix(const guard::Prefix& prefix) {
  const bool ipv4 = port::is_ipv4(prefix.address) && prefix.bits >= guard::mapped_bits;
  const unsigned bits = ipv4 ? prefix.bits - guard::mapped_bits : prefix.bits;
  const std::string address = port::format_address(prefix.address);
  return bits == (ipv4 ? 32U : 128U) ? address : address + "/" + std::to_string(bits);
}

Admin::Admin(std::vector<link::AdminLink*> lanes, std::vector<BanSink> sinks)
    : lanes_(std::move(lanes)), sinks_(std::move(sinks)), waiting_(lanes_.size()) {}

std::string Admin::answer(const std::string& request, Nanos now) {
  std::string fault;
  const auto json = Json::parse(request, &fault);
  if (!json) return refuse("not understood: " + fault);
  const auto text_of = [&json](const char* name) { return json->member_or_null(name).as_text(); };
  const auto command = text_of("command");
  if (!command) return refuse("not understood: \"command\" is no text");
  if (*command == "ban list") return list(now);
  if (*command == "status") return status();
  if (*command != "ban add" && *command != "ban lift") return refuse("no command \"" + *command + "\"");
  const auto address = text_of("address");
  if (!address) return refuse("not understood: \"address\" is no text");
  const auto prefix = parse_prefix(*address);
  if (!prefix) return refuse(prefix.error().message);
  if (*command == "ban lift") return lift_ban(prefix.value());
  const Json &reason = json->member_or_null("reason"), &length = json->member_or_null("for_s");
  if (json->has("reason") && !reason.as_text()) return refuse("not understood: \"reason\" is no text");
  if (json->has("for_s") && !length.as_number()) return refuse("not understood: \"for_s\" is no number");
  const double seconds = length.as_number().value_or(0);
  if (!(seconds >= 0 && seconds <= seconds_max)) return refuse("a ban lasts 0 (for ever) to ten years of seconds");
  const auto nanoseconds =
      seconds == 0 ? guard::BanTable::for_ever : static_cast<Nanos>(seconds * static_cast<double>(second));
  return add_ban(prefix.value(), nanoseconds, reason.as_text().value_or(""), now);
}

Admin::Bans::iterator Admin::find(const guard::Prefix& prefix) {
  return std::find_if(bans_.begin(), bans_.end(), [&](const auto& row) { return row.second.prefix == prefix; });
}

std::uint32_t Admin::send(link::AdminCommand::Kind kind, const guard::Prefix& prefix, Nanos until) {
  const std::uint32_t id = next_id_++;
  for (auto& queue : waiting_) queue.push_back({kind, id, prefix, until});
  return id;
}

std::string Admin::sink(Ban& ban) {
  std::string faults;
  ban.in_sinks = true;
  ban.in_all_sinks = true;
  for (const BanSink& each : sinks_)
    if (const auto done = each.add(ban.prefix); !done) {
      ban.in_all_sinks = false;
      faults += (faults.empty() ? "" : "; ") + each.name + ": " + done.error().message;
    }
  return faults;
}

void Admin::unsink(Ban& ban) {
  if (!ban.in_sinks) return;
  for (const BanSink& each : sinks_) each.lift(ban.prefix);
}

std::string Admin::add_ban(const guard::Prefix& prefix, Nanos length, std::string reason, Nanos now) {
  if (reason.size() > reason_bytes_max)
    return refuse("the reason is longer than " + std::to_string(reason_bytes_max) + " bytes");
  auto known = find(prefix);
  if (known == bans_.end() && bans_.size() == bans_max)
    return refuse("there are " + std::to_string(bans_max) +
                  " bans already; lift some, or ban a network in their place");
  const std::size_t waiting = waiting_.empty() ? 0 : waiting_.front().size();
  if (waiting >= bans_max) return refuse("lanes are behind with " + std::to_string(waiting) + " commands; try again");
  if (known != bans_.end()) bans_.erase(known);  // the new one takes its place, in lanes and sinks too
  Ban ban;
  ban.prefix = prefix;
  ban.by_operator = true;
  ban.until = length == guard::BanTable::for_ever ? length : now + length;
  ban.reason = std::move(reason);
  const std::string faults = sink(ban);
  bans_.emplace(send(link::AdminCommand::Kind::ban, prefix, ban.until), std::move(ban));
  poll(now);
  Json json{{"ok", true}, {"banned", format_prefix(prefix)}};
  if (!faults.empty()) json["note"] = "the lanes drop it; not everywhere before them: " + faults;
  return line(json);
}

std::string Admin::lift_ban(const guard::Prefix& prefix) {
  const auto known = find(prefix);
  if (known == bans_.end()) return refuse(format_prefix(prefix) + " is not banned; `ban list` shows what is");
  unsink(known->second);
  bans_.erase(known);
  send(link::AdminCommand::Kind::lift, prefix, 0);
  return line({{"ok", true}, {"lifted", format_prefix(prefix)}});
}

std::string Admin::list(Nanos now) const {
  Json rows = Json::array();
  for (const auto& [id, ban] : bans_) {
    Json row{{"address", format_prefix(ban.prefix)}, {"by", ban.by_operator ? "operator" : "score"}};
    row["seconds_left"] = ban.until == guard::BanTable::for_ever
                              ? Json(nullptr)
                              : Json(static_cast<double>(ban.until - std::min(now, ban.until)) / second);
    row["reason"] = ban.reason;
    row["sessions"] = ban.sessions;
    row["in_force"] = ban.answers == lanes_.size() && !ban.refused;
    row["before_lanes"] = ban.in_all_sinks && !sinks_.empty();
    rows.push_back(std::move(row));
  }
  return line({{"ok", true}, {"bans", std::move(rows)}});
}

std::string Admin::status() {
  const std::lock_guard guard{published_guard_};
  Json json{{"ok", true}, {"bans", bans_.size()}};
  json["status"] = Json::parse(published_).value_or(nullptr);
  return line(json);
}

void Admin::publish(std::string status) {
  const std::lock_guard guard{published_guard_};
  published_ = std::move(status);
}

void Admin::take(const link::AdminReport& report) {
  using Kind = link::AdminReport::Kind;
  if (report.kind == Kind::score_ban) {
    if (find(report.prefix) != bans_.end() || bans_.size() == bans_max) return;
    Ban ban;
    ban.prefix = report.prefix;
    ban.until = report.until;
    ban.reason = "malformed datagrams";
    bans_.emplace(send(link::AdminCommand::Kind::score_ban, ban.prefix, ban.until), std::move(ban));
    return;
  }
  const auto found = bans_.find(report.id);
  if (found == bans_.end()) return;
  Ban& ban = found->second;
  ++ban.answers;
  ban.sessions += report.sessions;
  ban.refused |= report.kind == Kind::refused;
  if (!ban.by_operator && ban.answers == lanes_.size() && ban.sessions == 0) static_cast<void>(sink(ban));
}

void Admin::poll(Nanos now) {
  link::AdminReport report;
  for (link::AdminLink* const link : lanes_)
    while (link->reports.pop(&report, 1) == 1) take(report);
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    while (!waiting_[i].empty() && lanes_[i]->commands.push(waiting_[i].front())) waiting_[i].pop_front();
  for (auto at = bans_.begin(); at != bans_.end();) {
    if (now < at->second.until) {
      ++at;
      continue;
    }
    unsink(at->second);
    at = bans_.erase(at);
  }
}

}  // namespace serried::admin
