#include "tools/attack/udp_gun.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tools/attack/target.h"

namespace serried::tools {

namespace {

constexpr unsigned sockets_of_kind = 8;

union AnyAddress {
  sockaddr common;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t fill(AnyAddress& to, const port::Address& address, std::uint16_t port) noexcept {
  to = {};
  if (port::is_ipv4(address)) {
    to.v4.sin_family = AF_INET;
    to.v4.sin_port = htons(port);
    std::memcpy(&to.v4.sin_addr, address.data() + 12, 4);
    return sizeof to.v4;
  }
  to.v6 = {};
  to.v6.sin6_family = AF_INET6;
  to.v6.sin6_port = htons(port);
  std::memcpy(&to.v6.sin6_addr, address.data(), 16);
  return sizeof to.v6;
}

}  // namespace

Result<UdpGun> UdpGun::open(const wire::Path& server, const std::vector<AttackKind>& kinds,
                            const port::LocalAddress* sources, std::uint64_t seed) {
  UdpGun gun;
  base::Prng random(seed);
  AnyAddress to;
  const socklen_t to_bytes = fill(to, server.address, server.port);
  if (!server.is_ipv4()) to.v6.sin6_scope_id = wire::interface_of(server);
  for (const AttackKind kind : kinds)
    for (unsigned i = 0; i < sockets_of_kind; ++i) {
      OwnedFile file(::socket(to.common.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (file.get() < 0) return Error{std::string("no UDP socket: ") + std::strerror(errno)};
      if (sources != nullptr) {
        AnyAddress own;
        const port::Address address = draw_address(*sources, random);
        const socklen_t own_bytes = fill(own, address, 0);
        if (::bind(file.get(), &own.common, own_bytes) != 0)
          return Error{"--source: " + port::format_address(address) + " is not ours (" + std::strerror(errno) +
                       "); without --interface take a network of ours, as 127.1.0.0/16"};
      }
      if (::connect(file.get(), &to.common, to_bytes) != 0)
        return Error{"no way to " + port::format_endpoint(server) + ": " + std::strerror(errno)};
      gun.sockets_[index_of(kind)].push_back(std::move(file));
    }
  return gun;
}

void UdpGun::fire(const Shot* shots, unsigned count, AttackTally& tally) noexcept {
  ++turn_;
  for (unsigned i = 0; i < count; ++i) {
    const auto& sockets = sockets_[index_of(shots[i].kind)];
    const OwnedFile& file = sockets[(turn_ + i) % sockets.size()];
    // A closed port shows as ECONNREFUSED at the next call; nothing was sent then, and we go on.
    if (::send(file.get(), room(i), shots[i].bytes, 0) >= 0)
      tally.sent(shots[i].kind, shots[i].bytes);
    else
      ++tally.refused;
  }
}

void UdpGun::hear(AttackTally& tally) noexcept {
  std::array<std::uint8_t, 2'048> bytes;
  for (std::size_t kind = 0; kind < attack_kinds; ++kind)
    for (const OwnedFile& file : sockets_[kind])
      for (ssize_t got; (got = ::recv(file.get(), bytes.data(), bytes.size(), 0)) >= 0;)
        tally.heard(static_cast<AttackKind>(kind), static_cast<std::size_t>(got));
}

}  // namespace serried::tools
