#include "tools/attack/packet_tap.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace serried::tools {

namespace {

constexpr std::size_t frame_bytes_max = 2'048;
constexpr int queue_bytes = 4 << 20;

constexpr sock_filter load_word(std::uint32_t at) { return {BPF_LD | BPF_W | BPF_ABS, 0, 0, at}; }
constexpr sock_filter load_half(std::uint32_t at) { return {BPF_LD | BPF_H | BPF_ABS, 0, 0, at}; }
constexpr sock_filter skip_unless_equal(std::uint32_t value, std::uint8_t skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
}
constexpr sock_filter take{BPF_RET | BPF_K, 0, 0, frame_bytes_max};
constexpr sock_filter leave{BPF_RET | BPF_K, 0, 0, 0};

Error failure(const std::string& what, const std::string& interface) {
  std::string text = what + " on interface '" + interface + "': " + std::strerror(errno);
  if (errno == EPERM) text += "; frames of one's own need root, or the capability CAP_NET_RAW";
  return Error{text};
}

Result<PacketSocket> open_filtered(const std::string& interface, std::span<sock_filter> program) {
  auto opened = PacketSocket::open(interface);
  if (!opened) return opened.error();
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  const int file = opened.value().file.get();
  if (::setsockopt(file, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return failure("no filter", interface);
  ::setsockopt(file, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof queue_bytes);
  if (const auto bound = opened.value().bind(ETH_P_ALL); !bound) return bound.error();
  return opened;
}

}  // namespace

OwnedFile& OwnedFile::operator=(OwnedFile&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}
OwnedFile::~OwnedFile() {
  if (file_ >= 0) ::close(file_);
}

Result<PacketSocket> PacketSocket::open(const std::string& interface) {
  PacketSocket made;
  made.file = OwnedFile(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.file.get() < 0) return failure("no packet socket", interface);
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name)
    return Error{"'" + interface + "' is no name of an interface"};
  std::copy(interface.begin(), interface.end(), request.ifr_name);
  if (::ioctl(made.file.get(), SIOCGIFINDEX, &request) != 0) return failure("no index", interface);
  made.interface = request.ifr_ifindex;
  if (::ioctl(made.file.get(), SIOCGIFHWADDR, &request) != 0) return failure("no link address", interface);
  std::memcpy(made.mac.data(), request.ifr_hwaddr.sa_data, made.mac.size());
  return made;
}

Result<Done> PacketSocket::bind(std::uint16_t protocol) const {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(protocol);
  to.sll_ifindex = interface;
  if (::bind(file.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    return Error{std::string("a packet socket cannot be bound: ") + std::strerror(errno)};
  return Done{};
}

PacketTap::PacketTap(PacketSocket socket) : socket_(std::move(socket)), frame_(frame_bytes_max) {}

Result<PacketTap> PacketTap::of_some(const std::string& interface, std::uint32_t one_in) {
  sock_filter program[] = {load_word(static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
                           {BPF_ALU | BPF_MOD | BPF_K, 0, 0, std::max(one_in, 1U)},
                           skip_unless_equal(0, 1),
                           take,
                           leave};
  auto socket = open_filtered(interface, program);
  if (!socket) return socket.error();
  return PacketTap(std::move(socket).value());
}

Result<PacketTap> PacketTap::to(const std::string& interface, const wire::Mac& mac) {
  const auto byte = [&](unsigned i) { return std::uint32_t{mac[i]}; };
  sock_filter program[] = {load_word(0), skip_unless_equal(byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3), 3),
                           load_half(4), skip_unless_equal(byte(4) << 8 | byte(5), 1),
                           take,         leave};
  auto socket = open_filtered(interface, program);
  if (!socket) return socket.error();
  return PacketTap(std::move(socket).value());
}

std::span<const std::uint8_t> PacketTap::next() noexcept {
  const ssize_t got = ::recv(socket_.file.get(), frame_.data(), frame_.size(), 0);
  return {frame_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

}  // namespace serried::tools
