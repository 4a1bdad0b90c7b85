#pragma once
/// What an operator may ask of a running server, and the record of what is banned. Requests and answers are one JSON
/// object each (docs/running.md, serried-ctl); admin_socket.h carries them.
///
/// Lanes get commands over their rings and are never waited for: what finds no room is tried again at the next poll,
/// operators' commands first. What filters before the lanes (XDP, rte_flow) gets operators' bans at once, and a score's
/// ban only when no lane has a session from there: a source address can be made up, and a player must not pay for it.
///
/// Bans by score have places of their own, here and before the lanes, and the one with the least time left gives way
/// to a new one: made-up addresses take none of what the operator has. When the addresses of one network are
/// many, the network is banned in their place.

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "link/admin_link.h"
#include "serried/result.h"

namespace serried::admin {

/// Something before the lanes that drops what is banned.
struct BanSink {
  std::string name;
  std::function<Result<Done>(const guard::Prefix&)> add;
  std::function<void(const guard::Prefix&)> lift;
  std::size_t score_bans_max = 1'024;  ///< of its places, for bans by score
};

/// Owner   one thread, but for publish()
class Admin {
 public:
  static constexpr std::size_t operator_bans_max = 4'096;
  static constexpr std::size_t score_bans_max = 1'024;
  static constexpr std::size_t sinks_max = 63;
  /// So many bans by score within an IPv4 /24 (of addresses), an IPv6 /56 (of its /64) or an IPv6 /48 (of its /56)
  /// become one of the network. A sixteenth of what it holds: fewer may be single customers of one provider, whose
  /// neighbours should not be kept out with them; and who owns networks whole gets no more than fifteen places for
  /// each.
  static constexpr std::size_t merged_at = 16;
  static constexpr std::size_t reason_bytes_max = 256;

  /// Links and sinks outlive it. Precondition: at most sinks_max sinks.
  Admin(std::vector<link::AdminLink*> lanes, std::vector<BanSink> sinks);

  /// The answer to one request, a line without its end. Never throws for what it is asked.
  [[nodiscard]] std::string answer(const std::string& request, Nanos now);
  /// Commands that wait, reports of lanes, bans that are over.
  void poll(Nanos now);
  /// Any thread: the figures that `status` answers with, as JSON.
  void publish(std::string status);

 private:
  struct Ban {
    guard::Prefix prefix;
    bool by_operator = false;
    Nanos until = 0;
    std::string reason;
    std::uint32_t sessions = 0;  ///< ended, or found
    std::size_t answers = 0;     ///< lanes that have reported
    bool refused = false;        ///< by a lane whose table is full
    std::uint64_t sinks = 0;     ///< that have it, a bit each

    [[nodiscard]] bool in_sink(std::size_t sink) const noexcept { return (sinks >> sink & 1) != 0; }
  };
  using Bans = std::map<std::uint32_t, Ban>;  ///< by id of the command

  [[nodiscard]] Bans::iterator find(const guard::Prefix& prefix);
  std::uint32_t send(link::AdminCommand::Kind kind, const guard::Prefix& prefix, Nanos until);
  /// Of those by score that `which(ban)` names, the one with the least time left; end(): none.
  template <class Which>
  [[nodiscard]] Bans::iterator least_of_score(Which&& which);
  template <class Which>
  [[nodiscard]] std::size_t count_if(Which&& which) const;
  std::string sink(Ban& ban);
  Result<Done> sink_into(std::size_t index, Ban& ban);
  void unsink(Ban& ban, std::size_t index);
  void unsink(Ban& ban);
  Bans::iterator forget(Bans::iterator at);
  void take(const link::AdminReport& report);
  void take_score_ban(const guard::Prefix& prefix, Nanos until);
  void merge(const guard::Prefix& around);
  void give_commands(std::size_t lane);
  std::string add_ban(const guard::Prefix& prefix, Nanos length, std::string reason, Nanos now);
  std::string lift_ban(const guard::Prefix& prefix);
  [[nodiscard]] std::string list(Nanos now) const;
  [[nodiscard]] std::string status();

  std::vector<link::AdminLink*> lanes_;
  std::vector<BanSink> sinks_;
  struct Waiting {
    std::deque<link::AdminCommand> by_operator, by_score;
  };
  std::vector<Waiting> waiting_;  ///< by lane
  Bans bans_;
  std::uint32_t next_id_ = 1;
  std::mutex published_guard_;
  std::string published_;
};

/// "192.0.2.1", "192.0.2.0/24", "2001:db8::/48". Error: no address, bits set behind the prefix.
Result<guard::Prefix> parse_prefix(const std::string& text);
[[nodiscard]] std::string format_prefix(const guard::Prefix& prefix);

}  // namespace serried::admin
