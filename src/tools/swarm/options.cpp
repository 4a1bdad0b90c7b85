#include "tools/swarm/options.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "crypt/token.h"
#include "port/address.h"
#include "session/id.h"
#include "tools/arguments.h"
#include "tools/swarm/recorded_traffic.h"
#include "wire/endpoint.h"

namespace serried::tools {

namespace {

struct Texts {
  std::string driver = "socket", far = "count", status, server_mac;
};

void declare_wire(Arguments& app, SwarmOptions& options, Texts& texts) {
  app.add("--server", options.server_text, "where the server is; [IPv6]:PORT and [fe80::1%INTERFACE]:PORT too")
      .required()
      .unit("ADDRESS:PORT");
  app.add("--token-key", options.token_key_file,
          "the server's key: the swarm issues its own tokens; needed but with --write-pcap")
      .unit("FILE");
  app.add("--driver", texts.driver, "the system's UDP sockets, or the first DPDK port of the EAL options")
      .shown()
      .one_of({"socket", "ethdev"});
  app.add("--address", options.address, "own address; needed for ethdev").unit("IP/PREFIX");
  app.add("--sockets", options.sockets, "UDP sockets that the bots share (socket)")
      .unit("sockets")
      .shown()
      .range(1, 4096);
  app.add("--port-first", options.port_first, "UDP port of the first bot (ethdev)")
      .unit("port")
      .shown()
      .range(1, 65'000);
  app.add("--queues", options.queues,
          "of the device; the bots' ports are spread over them, so that a server over memif has work for as many io "
          "lanes "
          "(ethdev)")
      .unit("queues")
      .shown()
      .range(1, 64);
  app.add("--connect-rate", options.connect_rate, "handshakes begun a second").unit("1/s").shown().range(0.1, 1e6);
  app.add("--connect-timeout", options.connect_timeout_s, "without a connection after so long, a bot has failed")
      .unit("s")
      .shown()
      .range(1, 600);
  app.add("--roam-per-minute", options.roams_per_minute, "changes of each bot's UDP port, as by a NAT")
      .unit("1/min")
      .shown()
      .range(0.0, 600.0);
  app.add("--pin", options.pin_cpu, "run on this CPU").unit("CPU").range(0, 65'535);
}

void declare_play(Arguments& app, SwarmOptions& options, Texts& texts) {
  app.add("--bots", options.bots, "how many").unit("bots").shown().range(1, 131'072);
  app.add("--rate", options.rate_hz, "inputs a second of each bot").unit("Hz").shown().range(0.1, 1000.0);
  app.add("--chats-per-minute", options.chats_per_minute, "chat lines of each bot, to those near")
      .unit("1/min")
      .shown()
      .range(0.0, 120.0);
  app.add("--commands-per-minute", options.commands_per_minute, "named commands of each bot ('describe')")
      .unit("1/min")
      .shown()
      .range(0.0, 6000.0);
  app.add("--seconds", options.seconds, "how long to play; 0: until Ctrl-C").unit("s").shown().non_negative();
  app.add("--hold", options.hold_seconds, "from the last bot's arrival to the beginning of all measurements")
      .unit("s")
      .shown()
      .non_negative();
  app.add("--linger", options.linger_seconds,
          "stay on the wire after the end, silent, unless interrupted (not with sockets): what stands on it can leave "
          "first, since over memif no side may leave in the middle of a burst")
      .unit("s")
      .shown()
      .range(0U, 60U);
  app.add("--seed", options.seed,
          "of all walks; with --write-pcap of the keys too: what the server's --measurement has")
      .unit("number")
      .shown();
  app.add_number("--player-base", options.player_base, "player id of the first bot (default 1)", 0,
                 crypt::player_id_max - 131'072)
      .unit("id")
      .shown();
  app.add("--far", texts.far, "what bots do with entities of the far blocks; full: a proxy of 24 bytes each")
      .shown()
      .one_of({"none", "count", "full"});
  app.add("--draw", options.draw_every,
          "one bot in so many runs as a game's client does: it keeps far entities, draws what it sees, and what it "
          "shows "
          "is measured; 0: none")
      .unit("bots")
      .shown()
      .range(0, 131'072);
  app.add_flag("--audit,!--no-audit", options.audit,
               "compare every view with what the server believes, when it offers to (default: on)");
}

void declare_reports(Arguments& app, SwarmOptions& options, Texts& texts) {
  app.add("--status", texts.status, "live: a table; line: a line a second; none (default: by what stdout is)")
      .one_of({"live", "line", "none"});
  app.add("--json", options.json_file, "where the figures go at the end").unit("FILE");
  app.add("--record", options.record_file, "bodies that bots get and send, in plaintext, as samples for a dictionary")
      .unit("FILE");
  app.add("--record-mib", options.record_mib, "the most that --record writes").unit("MiB").shown().range(1, 65'536);
}

void declare_recording(Arguments& app, SwarmOptions& options, Texts& texts) {
  app.add(
         "--write-pcap", options.pcap_file,
         "write what the bots would send to a server in measurement mode, as frames for net_pcap, and end; for several "
         "io lanes FILE.0, FILE.1 and so on")
      .unit("FILE");
  app.add("--inputs", options.recorded_inputs, "datagrams of each bot in these files")
      .unit("datagrams")
      .shown()
      .range(recorded_inputs_min, session::Measurement::frames_max);
  app.add("--io-lanes", options.io_lanes, "of the server that they are for")
      .unit("lanes")
      .shown()
      .range(1U, session::lanes_max);
  app.add("--server-mac", texts.server_mac, "link address in them (default: that of measurement mode)").unit("MAC");
}

/// What is wrong with options of which each by itself is right.
Result<Done> check_recording(SwarmOptions& options, const Texts& texts) {
  using session::Measurement;
  if (options.pcap_file.empty()) {
    if (options.token_key_file.empty()) return Error{"--token-key is required: the key file of the server"};
    return Done{};
  }
  if (!options.token_key_file.empty())
    return Error{"--token-key: means nothing with --write-pcap, whose keys come from --seed; leave it out"};
  if (options.seed == 0)
    return Error{"--seed: 0 is no seed of a measurement; give the number that the server's --measurement has"};
  const std::uint64_t bots = (options.bots + options.io_lanes - 1) / options.io_lanes;
  if (options.bots > Measurement::players_max || bots * options.recorded_inputs > Measurement::frames_max)
    return Error{"--inputs: " + std::to_string(bots * options.recorded_inputs) +
                 " frames an io lane are more than the " + std::to_string(Measurement::frames_max) +
                 " that a server holds; write fewer, or of fewer --bots"};
  if (texts.server_mac.empty()) return Done{};
  const auto mac = port::parse_mac(texts.server_mac);
  if (!mac) return mac.error().within("--server-mac");
  options.server_mac = mac.value();
  return Done{};
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
  declare_play(app, line.swarm, texts);
  declare_wire(app, line.swarm, texts);
  declare_reports(app, line.swarm, texts);
  declare_recording(app, line.swarm, texts);
  if (const auto ended = app.parse(std::move(own))) {
    line.exit_code = *ended;
    return line;
  }
  line.swarm.driver = texts.driver == "ethdev" ? Driver::ethdev : Driver::socket;
  if (line.swarm.driver == Driver::socket && line.eal.size() > 1) {
    std::cerr << "serried-swarm: options before -- are EAL's, which --driver socket does not start; leave them out, or "
                 "give --driver ethdev\n";
    line.exit_code = exit_usage;
    return line;
  }
  line.swarm.far = texts.far == "full"   ? view::FarMode::full
                   : texts.far == "none" ? view::FarMode::none
                                         : view::FarMode::count;
  line.swarm.status = texts.status == "live"   ? Status::live
                      : texts.status == "line" ? Status::line
                      : texts.status == "none" ? Status::none
                      : terminal               ? Status::live
                                               : Status::line;
  const Result<wire::Path> server = wire::parse_endpoint(line.swarm.server_text);
  if (!server) {
    std::cerr << "--server: " << server.error().message << '\n';
    line.exit_code = 2;
  } else if (line.swarm.driver == Driver::socket && wire::lacks_interface(server.value())) {
    std::cerr << "--server: " << wire::no_interface(line.swarm.server_text).message << '\n';
    line.exit_code = 2;
  } else if (line.swarm.driver == Driver::ethdev && wire::interface_of(server.value()) != 0) {
    std::cerr << "--server: the ethdev driver stands on no interface of the kernel; leave out what is behind the %\n";
    line.exit_code = 2;
  } else {
    line.swarm.server = server.value();
  }
  if (line.swarm.driver == Driver::ethdev && line.swarm.address.empty()) {
    std::cerr << "--address: the ethdev driver needs our own IP address; give it as 10.0.0.2/24\n";
    line.exit_code = 2;
  }
  if (const auto checked = check_recording(line.swarm, texts); !checked) {
    std::cerr << checked.error().message << '\n';
    line.exit_code = 2;
  }
  return line;
}

}  // namespace serried::tools
