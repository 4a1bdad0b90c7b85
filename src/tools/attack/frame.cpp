#include "tools/attack/frame.h"

namespace serried::tools {

bool read_frame(std::span<const std::uint8_t> frame, FrameView& view) noexcept {
  wire::EthernetHeader link;
  if (!wire::read_ethernet(frame, link)) return false;
  const std::span<const std::uint8_t> packet = frame.subspan(link.bytes);
  wire::IpHeader ip;
  const bool v6 = link.ether_type == wire::ether_type::ipv6;
  if (!v6 && link.ether_type != wire::ether_type::ipv4) return false;
  if ((v6 ? wire::read_ipv6(packet, ip) : wire::read_ipv4(packet, false, ip)) != metrics::Drop::none) return false;
  if (ip.fragment || ip.protocol != wire::ip_protocol::udp) return false;
  const std::span<const std::uint8_t> segment = packet.subspan(ip.bytes, ip.payload_bytes);
  wire::UdpHeader udp;
  if (wire::read_udp(segment, udp) != metrics::Drop::none) return false;
  view.from.address = ip.source;
  view.from.port = udp.source_port;
  view.to.address = ip.destination;
  view.to.port = udp.destination_port;
  view.payload = segment.subspan(wire::udp_bytes);
  return true;
}

std::size_t compose_claimed(std::uint8_t* payload, std::uint16_t bytes, const wire::Path& from,
                            const wire::Path& server, const Stations& stations) noexcept {
  wire::UdpFrame frame;
  frame.link.destination = stations.destination;
  frame.link.source = stations.source;
  frame.source = from.address;
  frame.destination = server.address;
  frame.source_port = from.port;
  frame.destination_port = server.port;
  frame.payload_bytes = bytes;
  return wire::compose_udp(payload, frame);
}

}  // namespace serried::tools
