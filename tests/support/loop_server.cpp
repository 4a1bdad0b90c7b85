#include "support/loop_server.h"

namespace serried::io {
template class IoLane<port::LoopPort>;
}  // namespace serried::io

namespace serried::test {

template class Server<port::LoopPort>;

LoopWire::LoopWire(const LoopServerSetup& setup) : network(setup.network) {
  for (unsigned i = 0; i < setup.io_lanes; ++i)
    server_ports.push_back(network
                               .open({.address = port::ipv4_address(10, 0, 0, 1),
                                      .port_first = setup.udp_port,
                                      .buffers = setup.buffers,
                                      .shared = setup.io_lanes > 1})
                               .value());
}

LoopServer::LoopServer(const LoopServerSetup& server_setup)
    : LoopWire(server_setup), Server(server_setup, pointers(server_ports)) {}

void LoopServer::set_outbound(const port::LoopProfile& profile) {
  for (auto& port : server_ports) port->set_outbound(profile);
}

std::uint64_t LoopServer::outstanding() const {
  std::uint64_t sum = 0;
  for (const auto& port : server_ports) sum += port->outstanding();
  return sum;
}

}  // namespace serried::test
