#pragma once
/// What serried-bench-engine can be asked to measure.

#include <string>
#include <vector>

namespace serried::bench {

struct Options {
  std::string driver = "memory";   ///< memory, ring, null, af_xdp, socket
  std::string direction = "both";  ///< in, out, both, share, scaling
  unsigned sessions = 10'000;
  std::vector<unsigned> payloads{100, 1'100};  ///< bytes of the shard's bodies
  unsigned inputs = 3;                         ///< messages in a client's datagram
  unsigned packets = 100'000;                  ///< of each row, in one repeat
  unsigned repeats = 7;
  double seconds = 0;  ///< 0: as many repeats as said; else as many as fit, for each row
  std::string isa = "auto";
  int cpu = -1;     ///< -1: where the system puts us
  int far_cpu = 0;  ///< of the sender, direction share
  bool stages = true, refusals = true;
  bool quick = false;
  std::string json_file;
};

struct CommandLine {
  Options options;
  int exit_code = -1;  ///< 0 or more: end with it
};
CommandLine parse_command_line(int argc, char** argv);

}  // namespace serried::bench
