#include "client/udp.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "wire/endpoint.h"

namespace serried::client {

Result<Udp> Udp::open(const wire::Path& server, int receive_bytes) {
  const int family = server.is_ipv4() ? AF_INET : AF_INET6;
  if (wire::lacks_interface(server))
    return Error{"the server's address is link-local: say on which interface it is, as in [fe80::1%eth0]:40000"};
  Udp udp(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (udp.file_ < 0 && errno == EAFNOSUPPORT && family == AF_INET6)
    return Error{"this system has no IPv6: take an IPv4 address of the server"};
  if (udp.file_ < 0) return Error{std::string("cannot open a UDP socket: ") + std::strerror(errno)};
  // Refused by the system's limit: it grants what it grants.
  static_cast<void>(setsockopt(udp.file_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes));

  sockaddr_storage to{};
  socklen_t bytes = 0;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(server.port);
    std::memcpy(&v4.sin_addr, server.address.data() + 12, 4);
    std::memcpy(&to, &v4, bytes = sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(server.port);
    std::memcpy(&v6.sin6_addr, server.address.data(), 16);
    v6.sin6_scope_id = wire::interface_of(server);
    std::memcpy(&to, &v6, bytes = sizeof v6);
  }
  if (::connect(udp.file_, reinterpret_cast<const sockaddr*>(&to), bytes) == 0) return udp;
  if (errno == EAGAIN || errno == EADDRINUSE)
    return Error{"no UDP port is left for us: other programs hold all of the system's range (ip_local_port_range)"};
  return Error{std::string("no route to the server: ") + std::strerror(errno)};
}

Udp& Udp::operator=(Udp&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

Udp::~Udp() {
  if (file_ >= 0) ::close(file_);
}

std::size_t Udp::receive(std::span<std::uint8_t> to) noexcept {
  // An error that ICMP brought about an earlier datagram is reported once, and hides what waits behind it.
  for (int attempt = 0; attempt < 4; ++attempt) {
    const ssize_t bytes = ::recv(file_, to.data(), to.size(), 0);
    if (bytes > 0) return static_cast<std::size_t>(bytes);
    if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
  }
  return 0;
}

bool Udp::send(std::span<const std::uint8_t> datagram) noexcept {
  return ::send(file_, datagram.data(), datagram.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(datagram.size());
}

void Udp::wait(Nanos span) noexcept {
  pollfd entry{file_, POLLIN, 0};
  const timespec time{static_cast<time_t>(span / second), static_cast<long>(span % second)};
  static_cast<void>(::ppoll(&entry, 1, &time, nullptr));
}

}  // namespace serried::client
