#pragma once
/// The command line of serried-swarm:  serried-swarm [EAL options --] [options]

#include <cstdint>
#include <string>
#include <vector>

#include "serried/result.h"
#include "session/measurement.h"
#include "view/view.h"
#include "wire/path.h"

namespace serried::tools {

enum class Driver : std::uint8_t { socket, ethdev };
enum class Status : std::uint8_t { live, line, none };

struct SwarmOptions {
  std::uint32_t bots = 1;
  wire::Path server;
  std::string server_text;
  std::string token_key_file;
  Driver driver = Driver::socket;
  std::string address;  ///< ethdev: our IP address with its prefix, as "10.0.0.2/24"
  double rate_hz = 60;
  double seconds = 0;  ///< of the playing phase; 0: until interrupted
  double hold_seconds = 0;
  unsigned linger_seconds = 0;  ///< after the end, silent
  double connect_rate = 2000;
  unsigned connect_timeout_s = 10;
  double chats_per_minute = 0, commands_per_minute = 0, roams_per_minute = 0;  ///< of each bot
  std::uint64_t seed = 1;
  std::uint64_t player_base = 1;
  std::string json_file;
  std::string record_file;
  std::uint64_t record_mib = 64;
  std::string pcap_file;  ///< not empty: write recorded_traffic.h and end
  unsigned recorded_inputs = 16;
  unsigned io_lanes = 1;  ///< of the server that the file is for
  wire::Mac server_mac = session::Measurement::server_mac;
  view::FarMode far = view::FarMode::count;
  std::uint32_t draw_every = 16;  ///< one bot in so many draws what it sees; 0: none
  bool audit = true;
  std::uint32_t sockets = 32;
  std::uint16_t port_first = 20'000;
  unsigned queues = 1;
  Status status = Status::line;
  int pin_cpu = -1;
};

struct CommandLine {
  std::vector<std::string> eal;  ///< with the program's name first
  SwarmOptions swarm;
  int exit_code = -1;  ///< not -1: help or a fault was printed, end with it
};

/// Help goes to stdout; all faults go to stderr, and exit_code is 2.
[[nodiscard]] CommandLine parse_command_line(int argc, char** argv, bool terminal);

}  // namespace serried::tools
