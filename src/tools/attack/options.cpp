#include "tools/attack/options.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "tools/arguments.h"
#include "tools/attack/target.h"
#include "wire/endpoint.h"

namespace serried::tools {

namespace {

struct Texts {
  std::string server, server_mac, source, kinds = "mixed";
  bool own_network = false;
};

void declare(Arguments& app, AttackOptions& options, Texts& texts) {
  app.add("--server", texts.server, "where the server is; [IPv6]:PORT and [fe80::1%INTERFACE]:PORT too")
      .required()
      .unit("ADDRESS:PORT");
  app.add("--kinds", texts.kinds, "what to send, in turn: names joined by commas, or mixed").unit("LIST").shown();
  app.add("--rate", options.rate, "datagrams a second; 0: as fast as it goes").unit("1/s").shown().non_negative();
  app.add("--seconds", options.seconds, "how long; 0: until Ctrl-C").unit("s").shown().non_negative();
  app.add_number("--protocol-id", options.protocol_id,
                 "the server's, as in its key (default Serried's); with another nothing gets beyond the CRC", 0,
                 ~std::uint64_t{0});
  app.add("--interface", options.interface, "send frames of our own by this interface (needs root)").unit("NAME");
  app.add_flag("--bridge", options.bridge,
               "stand on the wire: frames pass between EAL's first ethdev, the players', and its second, the server's");
  app.add_flag("--wait", options.wait, "with --bridge: only pass on, until SIGUSR1");
  app.add("--server-mac", texts.server_mac, "link address of server or gateway (default: by the kernel's ARP table)")
      .unit("MAC");
  app.add("--source", texts.source, "source addresses (default 198.18.0.0/15 or 2001:db8::/32)").unit("NETWORK");
  app.add("--sniff", options.sniff, "overhear players on this interface, one datagram in 16 (needs root)").unit("NAME");
  app.add("--replay", options.replay_file, "overhear them from a pcap file").unit("FILE");
  app.add("--seed", options.seed, "of all that is random").unit("number").shown();
  app.add("--cpu", options.cpu, "run on this CPU").unit("CPU").range(0, 65'535);
  app.add("--json-summary", options.json_file, "where the figures go at the end").unit("FILE");
  app.add_flag("--quiet", options.quiet, "no line a second");
  app.add_flag("--i-own-this-network", texts.own_network, "send to, and in the name of, addresses of the internet");
}

Result<Done> understand(AttackOptions& options, const Texts& texts, bool has_eal) {
  const auto server = wire::parse_endpoint(texts.server);
  if (!server) return server.error().within("--server");
  const bool by_kernel = !options.bridge && options.interface.empty();
  if (by_kernel && wire::lacks_interface(server.value())) return wire::no_interface(texts.server).within("--server");
  if (!by_kernel && wire::interface_of(server.value()) != 0)
    return Error{"--server: only the kernel's sockets need the interface behind the %; leave it out"};
  options.server = server.value();
  const bool ipv4 = options.server.is_ipv4();
  options.has_source = !texts.source.empty();
  const auto source = port::parse_local_address(options.has_source ? texts.source
                                                : ipv4             ? "198.18.0.0/15"
                                                                   : "2001:db8::/32");
  if (!source) return source.error().within("--source");
  options.source = source.value();
  if (port::is_ipv4(options.source.address) != ipv4)
    return Error{"--source and --server are of different families: give both as IPv4 or both as IPv6"};
  if (!texts.own_network && !is_nobodys(options.server.address))
    return Error{"--server: " + port::format_address(options.server.address) +
                 " is an address of the internet. This is a tool to test one's own server: it sends to loopback, "
                 "link-local, private and documentation addresses, to others only with --i-own-this-network"};
  if (!texts.own_network && !is_nobodys(options.source))
    return Error{"--source: answers to " + texts.source +
                 " may reach strangers; take a private, documentation or benchmarking network, or, where nothing "
                 "leaves the network, --i-own-this-network"};
  auto kinds = parse_kinds(texts.kinds);
  if (!kinds) return kinds.error().within("--kinds");
  options.kinds = std::move(kinds).value();
  if (options.bridge && (!options.interface.empty() || !options.sniff.empty()))
    return Error{"--bridge is on the wire already: --interface and --sniff are for a place beside it"};
  if (!options.bridge && has_eal) return Error{"options before -- are EAL's, which only --bridge starts"};
  if (options.wait && !options.bridge) return Error{"--wait needs --bridge"};
  if (options.interface.empty() && !texts.server_mac.empty()) return Error{"--server-mac needs --interface"};
  if (!texts.server_mac.empty()) {
    const auto mac = port::parse_mac(texts.server_mac);
    if (!mac) return mac.error().within("--server-mac");
    options.server_mac = mac.value();
  }
  if (!options.sniff.empty() && options.interface.empty() && !options.has_source)
    return Error{"--sniff without --interface needs --source: what comes from there is ours and not a player's"};
  const bool frames = options.bridge || !options.interface.empty();
  if (texts.kinds == "mixed" && !frames)
    std::erase_if(options.kinds, needs_frame);
  else if (!frames && std::any_of(options.kinds.begin(), options.kinds.end(), needs_frame))
    return Error{"--kinds: ping and neighbor are frames and no datagrams: they need --interface or --bridge"};
  if (options.bridge || !options.sniff.empty() || !options.replay_file.empty()) return Done{};
  if (texts.kinds == "mixed") {
    std::erase_if(options.kinds, needs_sample);
  } else if (std::any_of(options.kinds.begin(), options.kinds.end(), needs_sample)) {
    return Error{
        "--kinds: replay, bad-tag and spoofed are made from what honest players send: overhear it with --sniff "
        "INTERFACE, or take a file with --replay FILE.pcap"};
  }
  return Done{};
}

}  // namespace

AttackCommandLine parse_attack_line(int argc, char** argv) {
  AttackCommandLine line;
  std::vector<std::string> own(argv + 1, argv + argc);
  if (const auto split = std::find(own.begin(), own.end(), "--"); split != own.end()) {
    line.eal.assign(own.begin(), split);
    own.erase(own.begin(), split + 1);
  }
  Arguments app(
      "serried-attack",
      "Tests how one's own server holds under attack: sends what it must refuse, as fast as it goes, and counts the "
      "answers.\nUsage: serried-attack [EAL options --] [options]");
  Texts texts;
  declare(app, line.options, texts);
  if (const auto ended = app.parse(std::move(own))) {
    line.exit_code = *ended;
    return line;
  }
  if (const auto done = understand(line.options, texts, !line.eal.empty()); !done) {
    std::cerr << "serried-attack: " << done.error().message << '\n';
    line.exit_code = 2;
  }
  return line;
}

}  // namespace serried::tools
