// A frame off a raw NIC, through everything that reads one: the host's verdict, its service, and the answer, which must
// itself be a frame that reads back.

#include <cstdlib>

#include "port/host.h"

using namespace serried;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static port::Neighbors neighbors(64, 1);
  static Nanos now = 0;
  port::HostConfig config;
  config.mac = {2, 0, 0, 0, 0, 1};
  config.has_ipv4 = config.has_ipv6 = true;
  config.ipv4 = {port::ipv4_address(10, 0, 0, 1), 24};
  config.ipv6.address = {0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  config.ipv6.prefix_bits = 64;
  config.port_first = 4000;
  config.port_last = 4001;
  config.next_hop = port::NextHop::arp;
  if (size < 1) return 0;
  config.vlan = (data[0] & 1) != 0 ? 7 : 0;
  config.verify_udp_checksum = (data[0] & 2) != 0;
  port::Host host(config, neighbors);
  const std::span frame(data + 1, size - 1);
  const port::Host::Verdict verdict = host.examine(frame, {});
  if (verdict.kind == port::Host::Kind::datagram) {
    if (std::size_t{verdict.payload_offset} + verdict.payload_bytes > frame.size()) std::abort();
    if (verdict.path.local_port != 4000 && verdict.path.local_port != 4001) std::abort();
    static_cast<void>(host.next_hop(verdict.path, now));
  } else if (verdict.kind == port::Host::Kind::service) {
    static std::uint8_t answer[2048];
    now += second;
    const auto service = host.serve(frame, {}, now, answer);
    if (service.answer_bytes > sizeof answer) std::abort();
    wire::EthernetHeader link;
    if (service.answer_bytes > 0 &&
        (!wire::read_ethernet({answer, service.answer_bytes}, link) || link.source != config.mac))
      std::abort();
  } else if (verdict.drop == metrics::Drop::none) {
    std::abort();
  }
  return 0;
}
