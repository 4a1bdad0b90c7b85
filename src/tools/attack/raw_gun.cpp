#include "tools/attack/raw_gun.h"

#include <cerrno>
#include <fstream>
#include <linux/if_packet.h>
#include <sstream>

#include "tools/attack/frame.h"
#include "wire/batch.h"

namespace serried::tools {

namespace {

/// So that one look never takes for ever while answers keep coming.
constexpr unsigned heard_at_a_time = 256;

}  // namespace

RawGun::RawGun(PacketSocket out, PacketTap in, const wire::Path& server, const wire::Mac& server_mac)
    : out_(std::move(out)), in_(std::move(in)), server_(server), server_mac_(server_mac), frames_(burst * frame_room) {}

Result<RawGun> RawGun::open(const std::string& interface, const wire::Path& server, const wire::Mac& server_mac) {
  auto out = PacketSocket::open(interface);
  if (!out) return out.error();
  const int one = 1;
  ::setsockopt(out.value().file.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  if (const auto bound = out.value().bind(0); !bound) return bound.error();
  auto in = PacketTap::to(interface, out.value().mac);
  if (!in) return in.error();
  return RawGun(std::move(out).value(), std::move(in).value(), server, server_mac);
}

void RawGun::fire(const Shot* shots, unsigned count, AttackTally& tally) noexcept {
  std::array<iovec, burst> pieces;
  std::array<mmsghdr, burst> messages{};
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t headers = compose_claimed(room(i), shots[i], server_, {out_.mac, server_mac_});
    pieces[i] = {room(i) - headers, headers + shots[i].bytes};
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  unsigned done = 0;
  while (done < count) {
    const int sent = ::sendmmsg(out_.file.get(), messages.data() + done, count - done, 0);
    if (sent <= 0) break;
    for (const unsigned end = done + static_cast<unsigned>(sent); done < end; ++done)
      tally.sent(shots[done].kind, shots[done].bytes);
  }
  tally.refused += count - done;
}

void RawGun::hear(AttackTally& tally) noexcept {
  for (unsigned i = 0; i < heard_at_a_time; ++i) {
    const std::span<const std::uint8_t> bytes = in_.next();
    if (bytes.empty()) return;
    Answer answer;
    if (read_answer(bytes, server_, answer)) tally.heard(answer.kind, answer.bytes);
  }
}

Result<wire::Mac> neighbor_mac(const port::Address& address, const std::string& interface) {
  // IP address | hardware type | flags | hardware address | mask | device
  std::ifstream table("/proc/net/arp");
  const std::string wanted = port::format_address(address);
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string ip, type, flags, mac, mask, device;
    if (words >> ip >> type >> flags >> mac >> mask >> device && ip == wanted && device == interface && flags != "0x0")
      return port::parse_mac(mac);
  }
  return Error{"the kernel knows no link address for " + wanted + " on " + interface + "; give it with --server-mac"};
}

}  // namespace serried::tools
