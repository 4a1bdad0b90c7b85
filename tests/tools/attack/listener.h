#pragma once
/// A UDP socket on loopback in the place of the server.

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/address.h"

namespace serried {

class Listener {
 public:
  struct Heard {
    ssize_t bytes = -1;  ///< -1: nothing within a second
    sockaddr_in from{};
  };

  Listener() : file_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof own;
    if (::bind(file_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        ::getsockname(file_, reinterpret_cast<sockaddr*>(&own), &bytes) != 0)
      port_ = 0;
    else
      port_ = ntohs(own.sin_port);
  }
  ~Listener() { ::close(file_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] wire::Path path() const { return port::endpoint(port::ipv4_address(127, 0, 0, 1), port_); }

  Heard next() {
    Heard heard;
    pollfd wait{file_, POLLIN, 0};
    if (::poll(&wait, 1, 1'000) != 1) return heard;
    std::array<std::uint8_t, 2'048> bytes;
    socklen_t from_bytes = sizeof heard.from;
    heard.bytes =
        ::recvfrom(file_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&heard.from), &from_bytes);
    return heard;
  }
  void answer(const Heard& to, std::size_t count) {
    const std::array<std::uint8_t, 2'048> bytes{};
    ::sendto(file_, bytes.data(), count, 0, reinterpret_cast<const sockaddr*>(&to.from), sizeof to.from);
  }

 private:
  int file_;
  std::uint16_t port_ = 0;
};

}  // namespace serried
