#pragma once
/// The command line of serried-attack.

#include <string>
#include <vector>

#include "port/address.h"
#include "serried/protocol.h"
#include "tools/attack/kind.h"
#include "wire/link.h"

namespace serried::tools {

struct AttackOptions {
  std::string interface;  ///< empty: UDP sockets, or bridge
  bool bridge = false;    ///< stand between EAL's first two ethdevs
  bool wait = false;      ///< until SIGUSR1
  wire::Path server;
  wire::Mac server_mac{};  ///< zeros: from the neighbour table
  bool has_source = false;
  port::LocalAddress source;  ///< also when it was not given
  std::vector<AttackKind> kinds;
  double rate = 0;  ///< datagrams a second; 0: no limit
  double seconds = 0;
  int cpu = -1;
  std::uint64_t protocol_id = default_protocol_id;
  std::uint64_t seed = 1;
  std::string replay_file, sniff, json_file;
  bool quiet = false;
};

struct AttackCommandLine {
  std::vector<std::string> eal;  ///< what stands before `--`
  AttackOptions options;
  int exit_code = -1;  ///< not -1: help or a fault was printed, end with it
};

[[nodiscard]] AttackCommandLine parse_attack_line(int argc, char** argv);

}  // namespace serried::tools
