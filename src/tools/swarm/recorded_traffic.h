#pragma once
/// What the players of a server in measurement mode send (session/measurement.h), as files for net_pcap's infinite_rx,
/// one an io lane: in rounds, each with a datagram of every player, which holds the newest input and the two before it.
/// Nothing is acknowledged, since what the server will have sent is not known beforehand.
///
/// The server takes the datagrams each time the file begins anew, and takes their inputs for new ones too: the numbers
/// of a player's inputs go once around the circle of 16 bits in the file, so that each is later than the one before it,
/// the first later than the last.

#include <string>
#include <vector>

#include "serried/result.h"
#include "tools/swarm/options.h"

namespace serried::tools {

/// Fewer inputs do not make a circle.
inline constexpr unsigned recorded_inputs_min = 3;

struct RecordedTraffic {
  std::vector<std::string> files;
  std::uint64_t frames = 0, bytes = 0;
};

/// "inputs.pcap", or for several io lanes "inputs.pcap.0", "inputs.pcap.1"
[[nodiscard]] std::string pcap_file_of(const SwarmOptions& options, unsigned lane);

/// Write the files that `options` ask for. Preconditions: crypt::initialise, options that parse_command_line took.
[[nodiscard]] Result<RecordedTraffic> write_recorded_traffic(const SwarmOptions& options);

}  // namespace serried::tools
