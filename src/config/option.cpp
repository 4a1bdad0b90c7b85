#include "config/option.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/text.h"
#include "config/ports.h"
#include "link/rows.h"
#include "port/address.h"
#include "session/id.h"
#include "world/entity.h"

namespace serried::config {
namespace {

constexpr double any_u64 = 18'446'744'073'709'551'615.0;

std::string check_address(const std::string& value) {
  const auto own = parse_own_address(value);
  if (own) return {};
  if (value.find('%') != std::string::npos) return "is refused: " + own.error().message;
  return "is no IPv4 or IPv6 address; write one like 10.0.0.1/24 or 2001:db8::1/64, the prefix may be left out, and "
         "@PORT may follow";
}

std::string check_gateway(const std::string& value) {
  if (parse_gateway(value)) return {};
  return "is no IPv4 or IPv6 address; write one like 10.0.0.1 or 2001:db8::1, and @PORT may follow";
}

std::string check_next_hop(const std::string& value) {
  if (value == "learn" || value == "arp") return {};
  const auto mac = port::parse_mac(value);
  if (!mac) return "must be learn, arp, or the MAC address of the next hop like 02:00:00:00:00:01";
  const bool station = (mac.value()[0] & 1) == 0 && mac.value() != std::array<std::uint8_t, 6>{};
  return station ? "" : "is no station's address; write that of the router";
}

template <class Enum>
std::uint8_t* choice(Enum& value) {
  static_assert(std::is_same_v<std::underlying_type_t<Enum>, std::uint8_t>);
  return reinterpret_cast<std::uint8_t*>(&value);  // an unsigned char may look at anything
}

using C = ServerConfig;

constexpr std::array network{
    Option{"driver", "network", "driver", "NAME", "where datagrams come from: a DPDK port, or kernel UDP sockets",
           [](C& c) -> Target { return choice(c.driver); }, 0, 0, "ethdev|socket"},
    Option{"port", "network", "port", "NAME|ID",
           "DPDK port, by number or device name (ethdev only); may be given several times, once for each NIC",
           [](C& c) -> Target { return &c.ports; }},
    Option{"address", "network", "address", "IP[%INTERFACE][/PREFIX][@PORT]",
           "own IP address; a DPDK port may have two, one for IPv4 and one for IPv6. With several --port each address "
           "names "
           "its own. Needed for ethdev; without one a socket takes all addresses of the "
           "machine and answers from the one that was asked. A link-local one of a socket names its interface: "
           "fe80::1%eth0",
           [](C& c) -> Target { return &c.addresses; }, 0, 0, nullptr, check_address},
    Option{"udp-port", "network", "udp_port", "port", "UDP port that clients send to",
           [](C& c) -> Target { return &c.udp_port; }, 1, 65'535},
    Option{"vlan", "network", "vlan", "id", "802.1Q VLAN of own frames (ethdev only), 0: untagged",
           [](C& c) -> Target { return &c.vlan; }, 0, 4'094},
    Option{"next-hop", "network", "next_hop", "learn|arp|MAC",
           "link address of replies (ethdev only): the one the client's datagrams come from, resolved, or fixed",
           [](C& c) -> Target { return &c.next_hop; }, 0, 0, nullptr, check_next_hop},
    Option{"gateway", "network", "gateway", "IP[@PORT]",
           "router to clients outside the prefixes of --address (next hop arp only); one for each IP version. With "
           "several --port it is of the one that it names, or else of those in whose prefix it is",
           [](C& c) -> Target { return &c.gateways; }, 0, 0, nullptr, check_gateway},
    Option{"verify-udp-checksum", "network", "verify_udp_checksum", "on|off",
           "drop frames whose UDP checksum is wrong; off where a virtual link leaves it unfilled (ethdev only)",
           [](C& c) -> Target { return &c.verify_udp_checksum; }},
    Option{
        "rx-descriptors", "network", "rx_descriptors", "frames",
        "that a queue of a port has room for until its io lane looks (ethdev only), a power of two; where the driver "
        "takes another number the log says so",
        [](C& c) -> Target { return &c.rx_descriptors; }, 64, 32'768},
    Option{"tx-descriptors", "network", "tx_descriptors", "frames",
           "that a queue of a port has room for until they have left (ethdev only), a power of two; a tick's burst "
           "should fit",
           [](C& c) -> Target { return &c.tx_descriptors; }, 64, 32'768},
    Option{"mtu", "network", "mtu", "bytes",
           "of the ports (ethdev only): what is longer the device drops. Own datagrams need 1280; more lets jumbo "
           "frames of others in, to be counted as bad_frame",
           [](C& c) -> Target { return &c.mtu; }, 1'280, 9'600},
};

constexpr std::array sessions{
    Option{"token-key", "sessions", "token_key", "FILE",
           "key that login tokens are sealed with, shared with the login service; required, made by serried-token",
           [](C& c) -> Target { return &c.token_key; }},
    Option{"sessions-max", "sessions", "max", "sessions",
           "connections at a time, over all io lanes; of several lanes each has room for an eighth more than its part",
           [](C& c) -> Target { return &c.sessions_max; }, 1, 1'048'576},
    Option{"input-rate-max", "sessions", "input_rate_max", "Hz", "datagrams a second that one session may send",
           [](C& c) -> Target { return &c.input_rate_max_hz; }, 1, 10'000},
    Option{"cookie-rate", "sessions", "cookie_rate", "1/s", "handshake answers to unproven addresses, per io lane",
           [](C& c) -> Target { return &c.cookie_rate_per_s; }, 1, 10'000'000},
    Option{"timeout-ms", "sessions", "timeout", "ms", "silence that ends a connection",
           [](C& c) -> Target { return &c.timeout_ms; }, 1'000, 600'000},
    Option{"idle-ping-ms", "sessions", "idle_ping", "ms",
           "silence after which the other side is asked for a sign of life, less than --timeout-ms",
           [](C& c) -> Target { return &c.idle_ping_ms; }, 100, 600'000},
    Option{"ack-delay-ms", "sessions", "ack_delay", "ms", "longest wait before an acknowledgement goes out on its own",
           [](C& c) -> Target { return &c.ack_delay_ms; }, 1, 250},
    Option{"message-bytes-max", "sessions", "message_bytes_max", "bytes",
           "largest message that a client may send in fragments, 0: none",
           [](C& c) -> Target { return &c.message_bytes_max; }, 0, channel::message_bytes_max},
    Option{"rekey-mib", "sessions", "rekey_mib", "MiB", "what a session seals before it gets new keys",
           [](C& c) -> Target { return &c.rekey_mib; }, 1, 65'536},
    Option{"rekey-s", "sessions", "rekey_after", "s", "how old the keys of a session get before it gets new ones",
           [](C& c) -> Target { return &c.rekey_s; }, 1, 86'400},
    Option{"integrity", "sessions", "integrity", "FILE",
           "secret of a client build, made by serried-integrity; its players are asked now and then for what only an "
           "unchanged build knows. May be given several times, once for each build that is about",
           [](C& c) -> Target { return &c.integrity_files; }},
    Option{"integrity-period", "sessions", "integrity_period", "s", "between two such questions to one player",
           [](C& c) -> Target { return &c.integrity_period_s; }, 1, 86'400},
    Option{"integrity-required", "sessions", "integrity_required", "on|off",
           "end the session of a client that names no build of --integrity, which must be given; off: it plays, and is "
           "asked nothing",
           [](C& c) -> Target { return &c.integrity_required; }},
    Option{"dictionary", "sessions", "dictionary", "FILE",
           "dictionary for packed messages, made by scripts/train_dictionary; used with clients that have the same",
           [](C& c) -> Target { return &c.dictionary; }},
};

constexpr std::array protection{
    Option{"address-rate", "protection", "address_rate", "1/s",
           "Connects that one address (IPv6 /64) may send, 0: no limit; raise it where many players share an address",
           [](C& c) -> Target { return &c.address_rate_per_s; }, 0, 10'000'000},
    Option{"prefix-rate", "protection", "prefix_rate", "1/s",
           "Connects that one network (IPv4 /24, IPv6 /48) may send, 0: no limit",
           [](C& c) -> Target { return &c.prefix_rate_per_s; }, 0, 10'000'000},
    Option{"ban-score", "protection", "ban_score", "datagrams",
           "malformed datagrams (half forgotten after 30 s) that ban their source from connecting, for a minute, then "
           "twice as long each time; 0: never",
           [](C& c) -> Target { return &c.ban_score; }, 0, 1'000'000'000},
    Option{"xdp-filter", "protection", "xdp_filter", "on|off",
           "our own XDP program on the interface of net_af_xdp: takes our UDP and nothing else, drops what is banned",
           [](C& c) -> Target { return &c.xdp_filter; }},
    Option{"xdp-rate", "protection", "xdp_rate", "1/s",
           "datagrams that one IPv4 address, or IPv6 network of 64 bits, may send before the XDP program drops them, "
           "0: no limit",
           [](C& c) -> Target { return &c.xdp_rate_per_s; }, 0, 100'000'000},
};

constexpr std::array world{
    Option{"tick-rate", "world", "tick_rate", "Hz", "steps of the world a second",
           [](C& c) -> Target { return &c.tick_rate_hz; }, 1, 240},
    Option{"players-max", "world", "players_max", "players",
           "players in the world at a time, no more than --sessions-max", [](C& c) -> Target { return &c.players_max; },
           1, world::rows_max},
    Option{"npcs", "world", "npcs", "entities", "wandering characters of the game",
           [](C& c) -> Target { return &c.npcs; }, 0, world::rows_max},
    Option{"seed", "world", "seed", "number",
           "of all randomness of the world: one seed, one history; in a file as text from 2^63 on",
           [](C& c) -> Target { return &c.seed; }, 0, any_u64},
    Option{"resume-s", "world", "resume_s", "s",
           "how long a player whose connection broke off may come back to its entity, 0: not at all",
           [](C& c) -> Target { return &c.resume_s; }, 0, 86'400},
    Option{"welcome-file", "world", "welcome_file", "FILE", "UTF-8 text that every player is sent on joining",
           [](C& c) -> Target { return &c.welcome_file; }},
    Option{"spawn-size", "world", "spawn_size", "units",
           "edge of the square in which players appear; 100 units are 1 m",
           [](C& c) -> Target { return &c.spawn_size_units; }, 0, 10'000'000},
    Option{"view-distance", "world", "view_distance", "units",
           "how far away a player is told of another at most; other kinds of entities as much nearer or further as by "
           "default",
           [](C& c) -> Target { return &c.view_distance_units; }, 1'000, 1'000'000},
    Option{"budget", "world", "budget", "bytes", "replication per player and datagram, at most",
           [](C& c) -> Target { return &c.budget_bytes; }, 256, link::out_body_bytes_max},
    Option{"tracked-max", "world", "tracked_max", "entities", "entities that one player sees in full detail",
           [](C& c) -> Target { return &c.tracked_max; }, 1, replicate::tracked_rows - 8},
    Option{"foe-steps", "world", "foe_steps", "steps",
           "in how many steps a player is told health and mana of other factions, 255: exactly",
           [](C& c) -> Target { return &c.foe_steps; }, 2, 255},
    Option{"audit", "world", "audit", "1/s",
           "comparisons of each willing player's view with the world, a second; a test of the engine, costs bandwidth",
           [](C& c) -> Target { return &c.audits_per_s; }, 0, 60},
};

constexpr std::array lanes{
    Option{"io-lanes", "lanes", "io", "lanes", "lanes that receive and send, each with queues of its own",
           [](C& c) -> Target { return &c.io_lanes; }, 1, session::lanes_max},
    Option{"shards", "lanes", "shards", "lanes", "lanes that simulate the world, 0: from the number of cores",
           [](C& c) -> Target { return &c.shards; }, 0, world::shards_max},
    Option{"placement", "lanes", "placement", "auto|FILE",
           "which lane runs on which CPU: by the machine's NUMA nodes and cores, or as a file says (io0 = 4), among "
           "EAL's",
           [](C& c) -> Target { return &c.placement; }},
    Option{"home", "lanes", "home", "NAME",
           "which devices an io lane receives from: its own one, all of them; auto: its own where the devices are on "
           "several NUMA nodes and there is a lane for each (ethdev with several --port only)",
           [](C& c) -> Target { return choice(c.home); }, 0, 0, "auto|spread|all"},
    Option{"idle-sleep-us", "lanes", "idle_sleep", "us|auto",
           "sleep of a core whose lanes have nothing to do; auto: 0 where each lane has a core of its own and one is "
           "left, else 50",
           [](C& c) -> Target { return &c.idle_sleep_us; }, 0, 20'000},
    Option{"coalesce-us", "lanes", "coalesce", "us|auto",
           "how long an io lane lets datagrams gather before it looks again; auto: 0 where it has a core of its own, "
           "else 50",
           [](C& c) -> Target { return &c.coalesce_us; }, 0, 1'000},
    Option{"steering", "lanes", "steering", "on|off",
           "have the kernel (sockets), or the NIC where its driver takes such rte_flow rules, give each datagram to "
           "the io "
           "lane of its session; off: lanes hand over to each other what came to the wrong one",
           [](C& c) -> Target { return &c.steering; }},
    Option{"isa", "lanes", "isa", "NAME", "instruction set of the simd functions",
           [](C& c) -> Target { return choice(c.isa); }, 0, 0, "auto|scalar|sse42|avx2|avx512"},
};

constexpr std::array run{
    Option{"seconds", "run", "seconds", "s", "how long to run, 0: until told to stop",
           [](C& c) -> Target { return &c.seconds; }, 0, 1'000'000'000},
    Option{"measurement", "run", "measurement", "SEED",
           "measurement mode: --players-max players are there from the start, with keys made of this number, and what "
           "repeats is taken, so that a file of serried-swarm --write-pcap can be played in a circle. Only on net_pcap "
           "that reads files, net_null and net_ring, and only by the command line; 0: off",
           [](C& c) -> Target { return &c.measurement_seed; }, 0, any_u64, nullptr, nullptr, false},
    Option{"status", "run", "status", "MODE", "live figures, each second; auto: a table on a terminal, else a line",
           [](C& c) -> Target { return choice(c.status); }, 0, 0, "auto|table|line|none"},
    Option{"json-summary", "run", "json_summary", "FILE", "where the figures of the whole run go at the end",
           [](C& c) -> Target { return &c.json_summary; }},
    Option{"log-level", "run", "log_level", "LEVEL", "least severity that is logged",
           [](C& c) -> Target { return choice(c.log_level); }, 0, 0, "debug|info|warn|error"},
    Option{"log-file", "run", "log_file", "FILE", "where logs go; without it standard error",
           [](C& c) -> Target { return &c.log_file; }},
    Option{"control-socket", "run", "control_socket", "PATH",
           "where serried-ctl reaches the server, a Unix socket for its own user; without it nowhere",
           [](C& c) -> Target { return &c.control_socket; }},
    Option{"keep-privileges", "run", "keep_privileges", "on|off",
           "keep capabilities that the driver does not need once its ports are open, as root's over files of others",
           [](C& c) -> Target { return &c.keep_privileges; }},
    Option{"core-dumps", "run", "core_dumps", "on|off",
           "let a crash leave a core, and debuggers attach; a core holds the keys of all sessions. The "
           "system's limit (ulimit -c) must allow it too",
           [](C& c) -> Target { return &c.core_dumps; }},
};

constexpr std::size_t count =
    network.size() + sessions.size() + protection.size() + world.size() + lanes.size() + run.size();

constexpr std::array<Option, count> all = [] {
  std::array<Option, count> rows{};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const Option& option : part) rows[at++] = option;
  };
  append(network);
  append(sessions);
  append(protection);
  append(world);
  append(lanes);
  append(run);
  return rows;
}();

constexpr std::array only_here{
    CommandLineOnly{"config", "FILE", "configuration file in TOML"},
    CommandLineOnly{"profile", "NAME[,PARAMETER=VALUE]...",
                    "EAL arguments and options for one kind of port: a profile of --profiles, or the path of one"},
    CommandLineOnly{"profiles", "", "print the profiles there are, with their parameters, and exit"},
    CommandLineOnly{"check", "",
                    "look at the machine instead of running: what this configuration needs of it, and the command that "
                    "mends what is missing; opens no device and changes nothing"},
    CommandLineOnly{"json", "", "print what --check finds as JSON"},
    CommandLineOnly{"machine", "FOLDER",
                    "--check looks at the machine whose /proc, /sys and /etc are below this folder, as of an image"},
    CommandLineOnly{"example-config", "", "print a configuration file with every option, and exit"},
    CommandLineOnly{"version", "", "print the version, and exit"},
    CommandLineOnly{"help", "", "print this, and exit"},
};

// One line an option that has been called something else: {"old-name", "section.old_key", "name"}.
constexpr std::array<RenamedOption, 0> renamed{};

const Option* find(std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Option& option) { return option.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string number_fault(const Option& option) {
  return "must be a whole number of " + option_range(option) + " (" + option.unit + ")";
}

template <class Number>
std::string set_number(const Option& option, const std::string& text, Number& out) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // The upper bound of a 64-bit option is 2^64 as a double: from_chars has already held the value to it.
  if (error != std::errc{} || stop != end || text.empty() || static_cast<double>(value) < option.least ||
      static_cast<double>(value) > option.most)
    return number_fault(option);
  out = static_cast<Number>(value);
  return {};
}

std::string set_choice(const Option& option, const std::string& text, std::uint8_t& out) {
  const auto names = base::split(option.choices, '|');
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != text) continue;
    out = static_cast<std::uint8_t>(i);
    return {};
  }
  return "must be one of " + option_range(option);
}

struct Setter {
  const Option& option;
  std::span<const std::string> values;

  [[nodiscard]] std::string checked(const std::string& value) const {
    return option.check == nullptr ? std::string{} : option.check(value);
  }

  std::string operator()(std::string* to) const {
    *to = values.back();
    return checked(*to);
  }
  std::string operator()(std::vector<std::string>* to) const {
    to->assign(values.begin(), values.end());
    for (const auto& value : values)
      if (std::string fault = checked(value); !fault.empty()) return fault;
    return {};
  }
  std::string operator()(bool* to) const {
    *to = values.back() == "on";
    return *to || values.back() == "off" ? std::string{} : std::string{"must be on or off"};
  }
  std::string operator()(std::uint8_t* to) const { return set_choice(option, values.back(), *to); }
  std::string operator()(std::uint16_t* to) const { return set_number(option, values.back(), *to); }
  std::string operator()(unsigned* to) const { return set_number(option, values.back(), *to); }
  std::string operator()(std::uint64_t* to) const { return set_number(option, values.back(), *to); }
  std::string operator()(std::optional<unsigned>* to) const {
    to->reset();
    if (values.back() == "auto") return {};
    return set_number(option, values.back(), to->emplace()).empty() ? std::string{} : number_fault(option) + " or auto";
  }
};

struct Text {
  const Option& option;

  std::string operator()(const std::string* from) const { return *from; }
  std::string operator()(const std::vector<std::string>* from) const {
    std::string text;
    for (const auto& value : *from) text += (text.empty() ? "" : " ") + value;
    return text;
  }
  std::string operator()(const bool* from) const { return *from ? "on" : "off"; }
  std::string operator()(const std::uint8_t* from) const { return base::split(option.choices, '|').at(*from); }
  std::string operator()(const std::optional<unsigned>* from) const {
    return from->has_value() ? std::to_string(**from) : "auto";
  }
  template <class Number>
  std::string operator()(const Number* from) const {
    return std::to_string(*from);
  }
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::span<const Option> options() { return all; }

std::span<const CommandLineOnly> command_line_only() { return only_here; }

std::span<const RenamedOption> renamed_options() { return renamed; }

const Option* renamed_from_name(std::span<const RenamedOption> entries, std::string_view name) {
  for (const RenamedOption& entry : entries)
    if (entry.name == name) return find(entry.now);
  return nullptr;
}

const Option* renamed_from_key(std::span<const RenamedOption> entries, std::string_view key) {
  for (const RenamedOption& entry : entries)
    if (entry.key == key) return find(entry.now);
  return nullptr;
}

const char* section_text(const std::string& section) {
  if (section == "network") return "Network";
  if (section == "sessions") return "Sessions";
  if (section == "protection") return "Protection";
  if (section == "world") return "World and replication";
  if (section == "lanes") return "Lanes";
  return "Run and reports";
}

std::string set_option(const Option& option, std::span<const std::string> values, ServerConfig& config) {
  const Target target = option.target(config);
  const bool list = std::holds_alternative<std::vector<std::string>*>(target);
  if (values.empty() && !list) return "needs a value";
  if (values.size() > 1 && !list) return "is given more than once; give it once";
  return std::visit(Setter{option, values}, target);
}

std::string option_text(const Option& option, const ServerConfig& config) {
  // The table hands out places to write to; reading through one changes nothing.
  return std::visit(Text{option}, option.target(const_cast<ServerConfig&>(config)));
}

std::string option_toml(const Option& option, const ServerConfig& config) {
  const Target target = option.target(const_cast<ServerConfig&>(config));
  const std::string text = std::visit(Text{option}, target);
  if (const auto* const list = std::get_if<std::vector<std::string>*>(&target)) {
    std::string out;
    for (const auto& value : **list) out += (out.empty() ? "" : ", ") + quoted(value);
    return "[" + out + "]";
  }
  if (const auto* const flag = std::get_if<bool*>(&target)) return **flag ? "true" : "false";
  const bool number = text.find_first_not_of("0123456789") == std::string::npos && !text.empty() &&
                      !std::holds_alternative<std::string*>(target);
  return number ? text : quoted(text);
}

std::string option_range(const Option& option) {
  if (option.choices != nullptr) return option.choices;
  if (option.most == 0) return {};
  const auto number = [](double value) {
    return value >= any_u64 ? std::to_string(std::numeric_limits<std::uint64_t>::max())
                            : std::to_string(static_cast<std::uint64_t>(value));
  };
  return number(option.least) + " to " + number(option.most);
}

}  // namespace serried::config
