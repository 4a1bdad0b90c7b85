/// A socket port is opened: its sockets, what is asked of the kernel for each, and the message headers that stay the
/// same.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/setup.h"
#include "port/socket_state.h"
#include "wire/endpoint.h"

namespace serried::port {
namespace {

Error system_error(const std::string& what, const std::string& advice) {
  return Error{what + ": " + std::strerror(errno) + (advice.empty() ? "" : "; " + advice)};
}

/// As much as the kernel allows: past the limit of net.core.*mem_max where we have the right to.
int set_buffer_bytes(int file, int force, int plain, int bytes) {
  if (setsockopt(file, SOL_SOCKET, force, &bytes, sizeof bytes) != 0)
    static_cast<void>(setsockopt(file, SOL_SOCKET, plain, &bytes, sizeof bytes));
  int got = 0;
  socklen_t got_bytes = sizeof got;
  static_cast<void>(getsockopt(file, SOL_SOCKET, plain, &got, &got_bytes));
  return got / 2;  // the kernel doubles for its own overhead, and says the double
}

bool set_option(int file, int level, int option, int value) {
  return setsockopt(file, level, option, &value, sizeof value) == 0;
}

/// A swarm has a socket a bot, more than the usual soft limit of 1,024 files.
void raise_file_limit(unsigned sockets) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = limit.rlim_cur + sockets;
  if (sockets < 256 || limit.rlim_cur == RLIM_INFINITY) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, limit.rlim_max);
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

Error bind_error(const SocketConfig& config, std::uint16_t port) {
  const std::string where = "UDP " + format_endpoint(config.address, port);
  switch (errno) {
    case EADDRINUSE:
      if (port == 0)
        return Error{
            "no UDP port is left for clients (net.ipv4.ip_local_port_range); widen that range, or stop programs "
            "that hold its ports"};
      return Error{where + " is taken by another program; stop that program or choose another port"};
    case EADDRNOTAVAIL:
      return Error{where + ": this machine has no such address; choose one that `ip address` lists"};
    case EACCES:
      return Error{where + ": ports below 1024 need the right CAP_NET_BIND_SERVICE; choose a higher port"};
    default:
      return system_error("cannot bind " + where, "");
  }
}

/// False: the system was built, or told, to do without.
bool system_has_ipv6() {
  const int file = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return errno != EAFNOSUPPORT;
  close(file);
  return true;
}

/// Whether a call failed because the system forbids it: a kernel without it, or a seccomp filter.
bool is_forbidden(long result) { return result < 0 && (errno == ENOSYS || errno == EPERM || errno == EACCES); }

}  // namespace

SERRIED_SETUP Result<std::unique_ptr<Socket>> Socket::open(const SocketConfig& asked) {
  SocketConfig config = asked;
  const bool has_ipv6 = is_ipv4(asked.address) || system_has_ipv6();
  if (!has_ipv6 && asked.address != Address{})
    return Error{format_address(asked.address) + ": this system has no IPv6; give an IPv4 address"};
  if (!has_ipv6) config.address = ipv4_address(0, 0, 0, 0);
  if (wire::is_link_local(config.address) && config.interface == 0)
    return wire::no_interface(format_address(config.address));
  if (config.socket_count == 0 || config.socket_count > 32767)
    return Error{"socket_count must be 1 to 32767, not " + std::to_string(config.socket_count)};
  if (config.port_first != 0 && config.port_first + config.socket_count - 1 > 65535)
    return Error{std::to_string(config.socket_count) + " sockets from UDP port " + std::to_string(config.port_first) +
                 " on would pass port 65535; begin lower"};
  if (config.buffers < 2 * burst)
    return Error{"a socket port needs at least 128 buffers, not " + std::to_string(config.buffers)};
  raise_file_limit(config.socket_count);
  std::unique_ptr<Socket> socket(new Socket(config));
  for (unsigned i = 0; i < config.socket_count; ++i)
    if (auto added = socket->add(config, i); !added) return added.error();
  if (auto finished = socket->finish_setup(); !finished) return finished.error();
  socket->report_.has_ipv6 = has_ipv6;
  return socket;
}

SERRIED_SETUP Socket::Socket(const SocketConfig& config)
    : pool_(config.buffers), receiver_(std::make_unique<Receiver>()), sender_(std::make_unique<Sender>()) {
  ipv4_only_ = is_ipv4(config.address);
  ipv6_only_ = !ipv4_only_ && config.address != Address{};
  if (config.address == Address{} || config.address == ipv4_address(0, 0, 0, 0))
    local_addresses_ = config.local_addresses;
  report_.gro = config.gro;
  report_.gso = config.gso;
}

SERRIED_SETUP Socket::~Socket() {
  for (const int file : files_) close(file);
  if (poll_file_ >= 0) close(poll_file_);
}

SERRIED_SETUP Result<Done> Socket::add(const SocketConfig& config, unsigned index) {
  const auto port = static_cast<std::uint16_t>(config.port_first == 0 ? 0 : config.port_first + index);
  const int file = socket(ipv4_only_ ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) {
    const bool files = errno == EMFILE || errno == ENFILE;
    return system_error(
        "cannot open UDP socket " + std::to_string(index + 1) + " of " + std::to_string(config.socket_count),
        files ? "raise the limit of open files (ulimit -n)" : "");
  }
  files_.push_back(file);
  if (config.sharing == Sharing::joining && !set_option(file, SOL_SOCKET, SO_REUSEPORT, 1))
    return system_error("SO_REUSEPORT refused", "");
  if (!ipv4_only_) set_option(file, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only_ ? 1 : 0);
  if (local_addresses_ != nullptr &&
      !(ipv4_only_ ? set_option(file, IPPROTO_IP, IP_PKTINFO, 1) : set_option(file, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)))
    return system_error("the kernel does not say which address a datagram came to (IP_PKTINFO)",
                        "name one of the machine's addresses");
  sockaddr_storage name{};
  socklen_t name_bytes = sizeof(sockaddr_in6);
  if (ipv4_only_) {
    auto* to = reinterpret_cast<sockaddr_in*>(&name);
    to->sin_family = AF_INET;
    to->sin_port = base::byte_swapped(port);
    std::memcpy(&to->sin_addr, config.address.data() + 12, 4);
    name_bytes = sizeof *to;
  } else {
    auto* to = reinterpret_cast<sockaddr_in6*>(&name);
    to->sin6_family = AF_INET6;
    to->sin6_port = base::byte_swapped(port);
    std::memcpy(&to->sin6_addr, config.address.data(), 16);
    to->sin6_scope_id = config.interface;
  }
  if (bind(file, reinterpret_cast<sockaddr*>(&name), name_bytes) != 0) return bind_error(config, port);
  // Only now: with it, the kernel would have let us into the group of another server of this user.
  if (config.sharing == Sharing::first && !set_option(file, SOL_SOCKET, SO_REUSEPORT, 1))
    return system_error("SO_REUSEPORT refused", "");
  if (getsockname(file, reinterpret_cast<sockaddr*>(&name), &name_bytes) != 0) return system_error("getsockname", "");
  const std::uint16_t bound =
      ipv4_only_ ? reinterpret_cast<sockaddr_in*>(&name)->sin_port : reinterpret_cast<sockaddr_in6*>(&name)->sin6_port;
  report_.local.push_back(endpoint(config.address, base::byte_swapped(bound)));
  wire::set_interface(report_.local.back(), config.interface);

  // PROBE sets DF as DO does, but lets no forged ICMP message talk us below the 1200 bytes that we never exceed.
  set_option(file, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  if (!ipv4_only_) set_option(file, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  const int share = static_cast<int>(config.socket_count);
  report_.receive_bytes =
      set_buffer_bytes(file, SO_RCVBUFFORCE, SO_RCVBUF, std::max(config.receive_bytes / share, 65536));
  report_.send_bytes = set_buffer_bytes(file, SO_SNDBUFFORCE, SO_SNDBUF, std::max(config.send_bytes / share, 65536));
  if (report_.gro) report_.gro = set_option(file, IPPROTO_UDP, UDP_GRO, 1);
  // Asking for 0 is asking whether the kernel knows the option.
  if (report_.gso) report_.gso = set_option(file, IPPROTO_UDP, UDP_SEGMENT, 0);
  return Done{};
}

SERRIED_SETUP Result<Done> Socket::finish_setup() {
  missed_by_file_.assign(files_.size(), 0);
  if (files_.size() > 1) {
    file_by_port_.assign(65536, -1);
    poll_file_ = epoll_create1(EPOLL_CLOEXEC);
    if (poll_file_ < 0) return system_error("cannot make an epoll file", "raise the limit of open files (ulimit -n)");
    for (unsigned i = 0; i < files_.size(); ++i) {
      file_by_port_[report_.local[i].port] = static_cast<std::int16_t>(i);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u32 = i;
      if (epoll_ctl(poll_file_, EPOLL_CTL_ADD, files_[i], &event) != 0)
        return system_error("cannot watch socket " + std::to_string(i), "see /proc/sys/fs/epoll/max_user_watches");
    }
  }
  Receiver& r = *receiver_;
  if (report_.gro) r.slabs.reset(new std::uint8_t[burst * Receiver::slab_bytes]);
  for (unsigned i = 0; i < burst; ++i) {
    r.parts[i][0].iov_len = BufferPool::data_bytes_max;
    if (report_.gro) r.parts[i][1] = {r.slab(i) + Receiver::spare_bytes, 65536};
    msghdr& in = r.messages[i].msg_hdr;
    in.msg_name = &r.names[i].storage;
    in.msg_iov = r.parts[i];
    in.msg_iovlen = report_.gro ? 2 : 1;
    in.msg_control = report_.gro || local_addresses_ != nullptr ? r.controls[i] : nullptr;
    msghdr& out = sender_->messages[i].msg_hdr;
    out.msg_name = &sender_->names[i].storage;
    out.msg_control = sender_->controls[i];
  }
  return probe_calls();
}

/// Which of the calls that receive and send the system allows: a filter that forbids them would leave us deaf or dumb.
/// None of these receives or sends: there is no message, it is looked at only, or it has no destination.
SERRIED_SETUP Result<Done> Socket::probe_calls() {
  const int file = files_.front();
  msghdr none{};
  report_.receives_singly = is_forbidden(recvmmsg(file, receiver_->messages, 0, MSG_DONTWAIT, nullptr));
  if (report_.receives_singly && is_forbidden(recvmsg(file, &none, MSG_DONTWAIT | MSG_PEEK)))
    return system_error("this system forbids to receive datagrams (recvmmsg and recvmsg)",
                        "allow one of the two in its seccomp filter");
  report_.sends_singly = is_forbidden(sendmmsg(file, sender_->messages, 0, MSG_DONTWAIT));
  if (report_.sends_singly && is_forbidden(sendmsg(file, &none, MSG_DONTWAIT)))
    return system_error("this system forbids to send datagrams (sendmmsg and sendmsg)",
                        "allow one of the two in its seccomp filter");
  return Done{};
}

}  // namespace serried::port
