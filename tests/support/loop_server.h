#pragma once
/// A server in one thread on a loop wire, which clients of the test share.

#include "port/loop.h"
#include "support/server.h"

namespace serried::io {
extern template class IoLane<port::LoopPort>;
}  // namespace serried::io

namespace serried::test {

extern template class Server<port::LoopPort>;

struct LoopServerSetup : ServerSetup {
  port::LoopNetworkConfig network;
  std::uint16_t udp_port = 40'000;  ///< of 10.0.0.1
  unsigned buffers = 2'048;         ///< of each io lane
  unsigned io_lanes = 1;
};

/// The wire and the server's ports on it: they outlive the lanes.
struct LoopWire {
  explicit LoopWire(const LoopServerSetup& setup);

  port::LoopNetwork network;
  std::vector<std::unique_ptr<port::LoopPort>> server_ports;  ///< by io lane
};

class LoopServer : public LoopWire, public Server<port::LoopPort> {
 public:
  explicit LoopServer(const LoopServerSetup& server_setup);

  /// Where clients send to.
  [[nodiscard]] wire::Path address() const { return server_ports.front()->local(); }
  /// What the wire does to that which the server sends.
  void set_outbound(const port::LoopProfile& profile);
  /// Buffers of the server's ports that are not at home.
  [[nodiscard]] std::uint64_t outstanding() const;
};

}  // namespace serried::test
