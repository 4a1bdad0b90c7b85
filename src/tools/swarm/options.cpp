#include "tools/swarm/options.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "port/address.h"
#include "tools/arguments.h"

namespace serried::tools {

namespace {

/// "192.0.2.1:4000", "[2001:db8::1]:4000"
Result<wire::Path> parse_endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return Error{"'" + text + "' has no port; write ADDRESS:PORT"};
  std::string host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const Result<port::Address> address = port::parse_address(host);
  if (!address) return address.error();
  const std::string digits = text.substr(colon + 1);
  const bool numeric = !digits.empty() && digits.size() <= 5 &&
                       std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  const int number = numeric ? std::stoi(digits) : 0;
  if (number < 1 || number > 65'535) return Error{"'" + digits + "' is no UDP port; give one of 1 to 65535"};
  return port::endpoint(address.value(), static_cast<std::uint16_t>(number));
}

struct Texts {
  std::string driver = "socket", far = "count", status;
};

void declare(Arguments& app, SwarmOptions& options, Texts& texts) {
  app.add("--bots", options.bots, "players to connect").shown().range(1, 131'072);
  app.add("--server", options.server_text, "server, ADDRESS:PORT or [IPv6]:PORT").required();
  app.add("--token-key", options.token_key_file, "key file of the server (serried-token key); tokens are issued here")
      .required();
  app.add("--driver", texts.driver, "socket: the system's UDP; ethdev: the first DPDK port of the EAL options")
      .shown()
      .one_of({"socket", "ethdev"});
  app.add("--address", options.address, "ethdev: our own IP address/prefix, as 10.0.0.2/24");
  app.add("--rate", options.rate_hz, "inputs a second of each bot").shown().range(0.1, 1000.0);
  app.add("--chats-per-minute", options.chats_per_minute, "chat lines of each bot, to those near")
      .shown()
      .range(0.0, 6000.0);
  app.add("--commands-per-minute", options.commands_per_minute, "named commands of each bot ('describe')")
      .shown()
      .range(0.0, 6000.0);
  app.add("--roam-per-minute", options.roams_per_minute, "changes of each bot's UDP port, as by a NAT")
      .shown()
      .range(0.0, 600.0);
  app.add("--seconds", options.seconds, "length of the playing phase in s; 0: until Ctrl-C").shown().non_negative();
  app.add("--hold", options.hold_seconds, "s between the last bot's arrival and the beginning of all measurements")
      .shown()
      .non_negative();
  app.add("--linger", options.linger_seconds,
          "s to stay on the wire after the end, silent, unless interrupted: whoever stands on it can leave first")
      .shown()
      .range(0U, 60U);
  app.add("--connect-rate", options.connect_rate, "handshakes begun a second").shown().range(0.1, 1e6);
  app.add("--seed", options.seed, "of all walks").shown();
  app.add("--player-base", options.player_base, "player id of the first bot").shown();
  app.add("--json", options.json_file, "write the summary to this file at the end");
  app.add("--record", options.record_file,
          "write the bodies that bots get and send to this file, in plaintext, as samples for a dictionary");
  app.add("--record-mib", options.record_mib, "most that --record writes, in MiB").shown().range(1, 65'536);
  app.add("--far", texts.far, "entity blocks: none, count (records only), full (proxies, 24 bytes each)")
      .shown()
      .one_of({"none", "count", "full"});
  app.add_flag("--audit,!--no-audit", options.audit, "compare every view with what the server believes (default: on)");
  app.add("--sockets", options.sockets, "socket driver: UDP sockets that the bots share").shown().range(1, 4096);
  app.add("--port-first", options.port_first, "ethdev driver: UDP port of the first bot").shown().range(1, 65'000);
  app.add("--status", texts.status, "live: a table; line: a line a second; none (default: by what stdout is)")
      .one_of({"live", "line", "none"});
  app.add("--pin", options.pin_cpu, "run on this CPU").range(0, 1023);
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv, bool terminal) {
  CommandLine line;
  std::vector<std::string> all(argv, argv + argc);
  const auto split = std::find(all.begin(), all.end(), "--");
  std::vector<std::string> own;
  line.eal.push_back(all.front());
  if (split != all.end()) {
    line.eal.insert(line.eal.end(), all.begin() + 1, split);
    own.assign(split + 1, all.end());
  } else {
    own.assign(all.begin() + 1, all.end());
  }
  Arguments app("serried-swarm",
                "Thousands of players in one process: each a full client, walking by a seed, measuring what it gets.\n"
                "Usage: serried-swarm [EAL options --] [options]");
  Texts texts;
  declare(app, line.swarm, texts);
  if (const auto ended = app.parse(std::move(own))) {
    line.exit_code = *ended;
    return line;
  }
  line.swarm.driver = texts.driver == "ethdev" ? Driver::ethdev : Driver::socket;
  line.swarm.far = texts.far == "full"   ? client::FarMode::full
                   : texts.far == "none" ? client::FarMode::none
                                         : client::FarMode::count;
  line.swarm.status = texts.status == "live"   ? Status::live
                      : texts.status == "line" ? Status::line
                      : texts.status == "none" ? Status::none
                      : terminal               ? Status::live
                                               : Status::line;
  const Result<wire::Path> server = parse_endpoint(line.swarm.server_text);
  if (!server) {
    std::cerr << "--server: " << server.error().message << '\n';
    line.exit_code = 2;
  } else {
    line.swarm.server = server.value();
  }
  if (line.swarm.driver == Driver::ethdev && line.swarm.address.empty()) {
    std::cerr << "--address: the ethdev driver needs our own IP address; give it as 10.0.0.2/24\n";
    line.exit_code = 2;
  }
  return line;
}

}  // namespace serried::tools
