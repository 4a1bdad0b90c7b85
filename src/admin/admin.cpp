#include "admin/admin.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/json.h"
#include "port/address.h"

namespace serried::admin {
namespace {

using base::Json;

std::string line(const Json& json) { return json.text(); }
std::string refuse(const std::string& why) { return line({{"ok", false}, {"error", why}}); }

constexpr double seconds_max = 10.0 * 366 * 24 * 3600;
/// Commands of bans by score that lie in a ring at once: an operator's wait for no more.
constexpr unsigned score_commands_max = 8;
/// Places of one sink that are given up for one ban of an operator, before its refusal is believed to have another
/// reason than want of room. A NIC may need several for an IPv6 rule.
constexpr unsigned given_up_max = 4;

/// Which bans by score are counted together: those of `from` bits, within `to`.
struct Merge {
  unsigned from, to;
};
constexpr std::array<Merge, 1> merges_ipv4{{{128, guard::mapped_bits + 24}}};
constexpr std::array<Merge, 2> merges_ipv6{{{64, 56}, {56, 48}}};

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
  for (Waiting& queues : waiting_)
    (kind == link::AdminCommand::Kind::score_ban ? queues.by_score : queues.by_operator)
        .push_back({kind, id, prefix, until});
  return id;
}

template <class Which>
Admin::Bans::iterator Admin::least_of_score(Which&& which) {
  auto least = bans_.end();
  for (auto at = bans_.begin(); at != bans_.end(); ++at)
    if (!at->second.by_operator && which(at->second) &&
        (least == bans_.end() || at->second.until < least->second.until))
      least = at;
  return least;
}

template <class Which>
std::size_t Admin::count_if(Which&& which) const {
  return static_cast<std::size_t>(
      std::count_if(bans_.begin(), bans_.end(), [&](const auto& row) { return which(row.second); }));
}

std::string Admin::sink(Ban& ban) {
  std::string faults;
  for (std::size_t i = 0; i < sinks_.size(); ++i)
    if (const auto done = sink_into(i, ban); !done)
      faults += (faults.empty() ? "" : "; ") + sinks_[i].name + ": " + done.error().message;
  return faults;
}

Result<Done> Admin::sink_into(std::size_t index, Ban& ban) {
  const auto in_this = [index](const Ban& other) { return other.in_sink(index); };
  const auto by_score = [&](const Ban& other) { return !other.by_operator && in_this(other); };
  if (!ban.by_operator && count_if(by_score) >= sinks_[index].score_bans_max) {
    const auto least = least_of_score(in_this);
    if (least == bans_.end() || least->second.until >= ban.until) return Error{"its places for such bans are taken"};
    unsink(least->second, index);
  }
  auto done = sinks_[index].add(ban.prefix);
  for (unsigned given_up = 0; !done && ban.by_operator && given_up < given_up_max; ++given_up) {
    const auto least = least_of_score(in_this);
    if (least == bans_.end()) break;
    unsink(least->second, index);
    done = sinks_[index].add(ban.prefix);
  }
  if (done) ban.sinks |= std::uint64_t{1} << index;
  return done;
}

void Admin::unsink(Ban& ban, std::size_t index) {
  if (!ban.in_sink(index)) return;
  sinks_[index].lift(ban.prefix);
  ban.sinks &= ~(std::uint64_t{1} << index);
}

void Admin::unsink(Ban& ban) {
  for (std::size_t i = 0; i < sinks_.size(); ++i) unsink(ban, i);
}

Admin::Bans::iterator Admin::forget(Bans::iterator at) {
  unsink(at->second);
  return bans_.erase(at);
}

std::string Admin::add_ban(const guard::Prefix& prefix, Nanos length, std::string reason, Nanos now) {
  if (reason.size() > reason_bytes_max)
    return refuse("the reason is longer than " + std::to_string(reason_bytes_max) + " bytes");
  // Lists are read line by line: a reason may not look like another ban.
  if (std::any_of(reason.begin(), reason.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; }))
    return refuse("the reason holds a control character; write it in one line");
  auto known = find(prefix);
  const bool replaces = known != bans_.end() && known->second.by_operator;
  if (!replaces && count_if([](const Ban& ban) { return ban.by_operator; }) == operator_bans_max)
    return refuse("there are " + std::to_string(operator_bans_max) +
                  " bans by operators already; lift some, or ban a network in their place");
  const std::size_t waiting = waiting_.empty() ? 0 : waiting_.front().by_operator.size();
  if (waiting >= operator_bans_max)
    return refuse("lanes are behind with " + std::to_string(waiting) + " commands; try again");
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
  forget(known);
  send(link::AdminCommand::Kind::lift, prefix, 0);
  return line({{"ok", true}, {"lifted", format_prefix(prefix)}});
}

std::string Admin::list(Nanos now) const {
  Json rows = Json::array();
  const std::uint64_t all_sinks = (std::uint64_t{1} << sinks_.size()) - 1;
  for (const auto& [id, ban] : bans_) {
    Json row{{"address", format_prefix(ban.prefix)}, {"by", ban.by_operator ? "operator" : "score"}};
    row["seconds_left"] = ban.until == guard::BanTable::for_ever
                              ? Json(nullptr)
                              : Json(static_cast<double>(ban.until - std::min(now, ban.until)) / second);
    row["reason"] = ban.reason;
    row["sessions"] = ban.sessions;
    row["in_force"] = ban.answers == lanes_.size() && !ban.refused;
    row["before_lanes"] = !sinks_.empty() && ban.sinks == all_sinks;
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
  if (report.kind == Kind::score_ban) return take_score_ban(report.prefix, report.until);
  const auto found = bans_.find(report.id);
  if (found == bans_.end()) return;
  Ban& ban = found->second;
  ++ban.answers;
  ban.sessions += report.sessions;
  ban.refused |= report.kind == Kind::refused;
  if (ban.by_operator || ban.answers != lanes_.size() || ban.sessions != 0) return;
  // What lies within becomes needless. Where there are sessions it stays as it is, before the lanes too.
  for (auto at = bans_.begin(); at != bans_.end();) {
    const Ban& other = at->second;
    const bool needless = !other.by_operator && other.prefix.bits > ban.prefix.bits &&
                          guard::contains(ban.prefix, other.prefix) && other.until <= ban.until;
    at = needless ? forget(at) : std::next(at);
  }
  static_cast<void>(sink(ban));
}

void Admin::take_score_ban(const guard::Prefix& prefix, Nanos until) {
  const auto holds = [&](const Ban& ban) {
    return guard::contains(ban.prefix, prefix) && (ban.by_operator || ban.until >= until);
  };
  if (count_if(holds) != 0) return;
  if (const auto shorter = find(prefix); shorter != bans_.end()) forget(shorter);
  if (count_if([](const Ban& ban) { return !ban.by_operator; }) == score_bans_max) {
    const auto least = least_of_score([](const Ban&) { return true; });
    if (least->second.until >= until) return;
    forget(least);
  }
  Ban ban;
  ban.prefix = prefix;
  ban.until = until;
  ban.reason = "malformed datagrams";
  bans_.emplace(send(link::AdminCommand::Kind::score_ban, prefix, until), std::move(ban));
  merge(prefix);
}

/// Not longer than the longest of those that it stands for: it may be a forger's doing, as they may.
void Admin::merge(const guard::Prefix& around) {
  const bool ipv4 = port::is_ipv4(around.address);
  for (const Merge& step : ipv4 ? std::span<const Merge>{merges_ipv4} : std::span<const Merge>{merges_ipv6}) {
    if (around.bits != step.from) continue;
    const guard::Prefix network = guard::prefix_of(around.address, step.to);
    std::size_t count = 0;
    Nanos until = 0;
    for (const auto& [id, ban] : bans_) {
      if (ban.by_operator || ban.prefix.bits != step.from || !guard::contains(network, ban.prefix)) continue;
      ++count;
      until = std::max(until, ban.until);
    }
    if (count >= merged_at) take_score_ban(network, until);
    return;
  }
}

/// In the order in which they were given, but an operator's before those by score. What was forgotten meanwhile is not
/// given any more.
void Admin::give_commands(std::size_t lane) {
  auto& commands = lanes_[lane]->commands;
  auto& [by_operator, by_score] = waiting_[lane];
  while (!by_operator.empty() && commands.push(by_operator.front())) by_operator.pop_front();
  while (!by_score.empty() && commands.size() < score_commands_max) {
    if (bans_.contains(by_score.front().id) && !commands.push(by_score.front())) break;
    by_score.pop_front();
  }
}

void Admin::poll(Nanos now) {
  link::AdminReport report;
  for (link::AdminLink* const link : lanes_)
    while (link->reports.pop(&report, 1) == 1) take(report);
  for (std::size_t i = 0; i < lanes_.size(); ++i) give_commands(i);
  for (auto at = bans_.begin(); at != bans_.end();) at = now < at->second.until ? std::next(at) : forget(at);
}

}  // namespace serried::admin
