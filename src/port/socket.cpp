#include "port/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <sys/epoll.h>

#include "base/bytes.h"
#include "port/socket_state.h"

namespace serried::port {
namespace {

using metrics::Drop;

/// Segments in one message: the kernel's UDP_MAX_SEGMENTS of old and new versions alike.
constexpr unsigned segments_max = 64;
/// A joined message is one IP packet at first; headers of either family fit beside this.
constexpr std::size_t joined_bytes_max = 65000;
constexpr int ready_max = 32;

wire::Path path_of(const sockaddr_storage& from, std::uint16_t local_port) noexcept {
  wire::Path path;
  path.local_port = local_port;
  if (from.ss_family == AF_INET) {
    sockaddr_in name;
    std::memcpy(&name, &from, sizeof name);
    path.address = ipv4_address(0, 0, 0, 0);
    std::memcpy(path.address.data() + 12, &name.sin_addr, 4);
    path.port = base::byte_swapped(name.sin_port);
  } else {
    sockaddr_in6 name;
    std::memcpy(&name, &from, sizeof name);
    std::memcpy(path.address.data(), &name.sin6_addr, 16);
    path.port = base::byte_swapped(name.sin6_port);
    wire::set_interface(path, name.sin6_scope_id);
  }
  return path;
}

socklen_t name_of(const wire::Path& path, bool ipv4, sockaddr_storage& to) noexcept {
  if (ipv4) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = base::byte_swapped(path.port);
    std::memcpy(&name.sin_addr, path.address.data() + 12, 4);
    std::memcpy(&to, &name, sizeof name);
    return sizeof name;
  }
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = base::byte_swapped(path.port);
  std::memcpy(&name.sin6_addr, path.address.data(), 16);
  name.sin6_scope_id = wire::interface_of(path);
  std::memcpy(&to, &name, sizeof name);
  return sizeof name;
}

template <class T>
T data_of(const cmsghdr* control) noexcept {
  T value;
  std::memcpy(&value, CMSG_DATA(control), sizeof value);
  return value;
}

/// Append a control message behind those that `header` has.
template <class T>
void add_control(msghdr& header, int level, int type, const T& value) noexcept {
  auto* const control =
      reinterpret_cast<cmsghdr*>(static_cast<std::uint8_t*>(header.msg_control) + header.msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

}  // namespace

/// What the kernel says beside a message.
struct Socket::Control {
  std::uint16_t segment_bytes = 0;  ///< size of the datagrams that were joined into it; 0: it came alone
  std::uint8_t local_address = 0;
  std::uint32_t interface = 0;  ///< that it came by, where it came to a link-local address
};

static_assert(CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo)) <= 64, "Socket::control_bytes");

Socket::Control Socket::read_control(msghdr& header) noexcept {
  Control control;
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO) {
      const int bytes = data_of<int>(at);
      if (bytes > 0 && bytes < 65536) control.segment_bytes = static_cast<std::uint16_t>(bytes);
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
      const auto info = data_of<in6_pktinfo>(at);
      Address local;
      std::memcpy(local.data(), &info.ipi6_addr, local.size());
      control.local_address = number_of(local);
      if (last_local_is_link_local_) control.interface = info.ipi6_ifindex;
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
      const auto info = data_of<in_pktinfo>(at);
      Address local = ipv4_address(0, 0, 0, 0);
      std::memcpy(local.data() + 12, &info.ipi_spec_dst, 4);
      control.local_address = number_of(local);
    }
  }
  return control;
}

std::uint8_t Socket::number_of(const Address& local) noexcept {
  if (!wire::same_address(local, last_local_) || last_local_number_ == 0) {
    last_local_ = local;
    last_local_number_ = local_addresses_->number_of(local);
    last_local_is_link_local_ = wire::is_link_local(local);
  }
  return last_local_number_;
}

/// Where a message comes from, if the path says so, and how it is to be split; 0: not at all.
void Socket::write_control(msghdr& header, const wire::Path& path, std::uint16_t segment_bytes) const noexcept {
  header.msg_controllen = 0;
  if (segment_bytes != 0) add_control(header, IPPROTO_UDP, UDP_SEGMENT, segment_bytes);
  if (path.local_address == 0 || local_addresses_ == nullptr) return;
  const Address& local = local_addresses_->at(path.local_address);
  if (ipv4_only_) {
    in_pktinfo source{};
    std::memcpy(&source.ipi_spec_dst, local.data() + 12, 4);
    add_control(header, IPPROTO_IP, IP_PKTINFO, source);
  } else {
    in6_pktinfo source{};  // of an IPv4 datagram too, mapped
    std::memcpy(&source.ipi6_addr, local.data(), local.size());
    source.ipi6_ifindex = wire::interface_of(path);
    add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, source);
  }
}

void Socket::receive(wire::Batch& batch, Nanos) noexcept {
  batch.clear();
  if (const std::uint64_t missed = missed_.load(std::memory_order_relaxed);
      missed != counters_.drops.value(Drop::nic_missed)) [[unlikely]] {
    counters_.rx_frames.add(missed - counters_.drops.value(Drop::nic_missed));
    counters_.drops.set(Drop::nic_missed, missed);
  }
  drain_pending(batch);
  if (receiver_->pending_count > 0 || batch.rows == burst) return;
  if (files_.size() == 1) {
    read_socket(0, batch);
    return;
  }
  // Level-triggered: the kernel moves a ready socket behind the others, so each gets its turn.
  epoll_event ready[ready_max];
  const int count = epoll_wait(poll_file_, ready, ready_max, 0);
  for (int i = 0; i < count && batch.rows < burst && receiver_->pending_count == 0; ++i)
    read_socket(ready[i].data.u32, batch);
}

/// Put a buffer under each of up to `room` messages; returns how many have one.
unsigned Socket::arm(unsigned room) noexcept {
  Receiver& r = *receiver_;
  unsigned count = 0;
  for (; count < room; ++count) {
    if (r.buffers[count].owner == nullptr) {
      r.buffers[count] = pool_.take();
      if (r.buffers[count].owner == nullptr) break;
      ++armed_count_;
      r.parts[count][0].iov_base = r.buffers[count].data;
    }
    msghdr& header = r.messages[count].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_controllen = header.msg_control != nullptr ? control_bytes : 0;
    header.msg_flags = 0;
  }
  return count;
}

/// As many messages as there are, in one call where the system allows that. Below 0: there is none, errno says why.
int Socket::receive_messages(int file, unsigned room) noexcept {
  mmsghdr* const messages = receiver_->messages;
  if (!report_.receives_singly) [[likely]]
    return recvmmsg(file, messages, room, MSG_DONTWAIT, nullptr);
  int count = 0;
  for (; count < static_cast<int>(room); ++count) {
    const ssize_t bytes = recvmsg(file, &messages[count].msg_hdr, MSG_DONTWAIT);
    if (bytes < 0) return count == 0 ? -1 : count;
    messages[count].msg_len = static_cast<unsigned>(bytes);
  }
  return count;
}

void Socket::read_socket(unsigned index, wire::Batch& batch) noexcept {
  const unsigned room = arm(burst - batch.rows);
  if (room == 0) return;
  int count = receive_messages(files_[index], room);
  // An ICMP error of an earlier datagram is reported once, in place of data: it concerns one peer, not the socket.
  if (count < 0 && errno != EAGAIN && errno != EINTR) count = receive_messages(files_[index], room);
  for (int message = 0; message < count; ++message) take_message(static_cast<unsigned>(message), index, batch);
}

void Socket::take_message(unsigned message, unsigned index, wire::Batch& batch) noexcept {
  Receiver& r = *receiver_;
  msghdr& header = r.messages[message].msg_hdr;
  const std::size_t bytes = r.messages[message].msg_len;
  wire::Path path = path_of(r.names[message].storage, report_.local[index].port);
  const Control control = read_control(header);
  const std::uint16_t segment_bytes = control.segment_bytes;
  path.local_address = control.local_address;
  if (control.interface != 0) [[unlikely]]
    wire::set_interface(path, control.interface);
  const bool alone = segment_bytes == 0 || bytes <= segment_bytes;
  if (alone && r.pending_count == 0 && batch.rows < burst) [[likely]] {
    const wire::Buffer buffer = r.buffers[message];
    r.buffers[message] = {};
    --armed_count_;
    deliver(batch, buffer.data, bytes, buffer.owner, path);
    return;
  }
  // Joined, or behind one that was and filled the batch. The slot stays armed: its share goes before the slab's.
  std::memcpy(r.slab(message), r.buffers[message].data, std::min(bytes, BufferPool::data_bytes_max));
  r.pending[r.pending_first + r.pending_count++] = {static_cast<std::uint16_t>(message),
                                                    alone ? static_cast<std::uint16_t>(bytes) : segment_bytes, 0,
                                                    static_cast<std::uint32_t>(bytes), path};
  drain_pending(batch);
}

void Socket::drain_pending(wire::Batch& batch) noexcept {
  Receiver& r = *receiver_;
  while (r.pending_count > 0) {
    Receiver::Pending& joined = r.pending[r.pending_first];
    do {
      if (batch.rows == burst) return;
      const wire::Buffer buffer = pool_.take();
      if (buffer.owner == nullptr) return;
      const std::size_t bytes = std::min<std::size_t>(joined.segment_bytes, joined.bytes - joined.offset);
      std::memcpy(buffer.data, r.slab(joined.slab) + joined.offset, std::min(bytes, BufferPool::data_bytes_max));
      joined.offset += static_cast<std::uint32_t>(bytes);
      deliver(batch, buffer.data, bytes, buffer.owner, joined.path);
    } while (joined.offset < joined.bytes);
    ++r.pending_first;
    --r.pending_count;
  }
  r.pending_first = 0;
}

/// What is longer than a buffer keeps a length that `parse` refuses.
void Socket::deliver(wire::Batch& batch, std::uint8_t* data, std::size_t bytes, void* owner,
                     const wire::Path& path) noexcept {
  batch.append(data, std::min(bytes, BufferPool::data_bytes_max), owner, path);
  counters_.rx_frames.add(1);
  counters_.rx_bytes.add(bytes);
  counters_.rx_packets.add(1);
}

int Socket::socket_of(std::uint16_t local_port) const noexcept {
  if (local_port == 0 || local_port == report_.local[0].port) return 0;
  return file_by_port_.empty() ? -1 : file_by_port_[local_port];
}

void Socket::transmit(wire::Batch& batch, Nanos) noexcept {
  unsigned next = 0, count = 0;
  int current = -1;
  while (next < batch.live_rows) {
    const wire::Path& path = batch.path[batch.live[next]];
    const int index = socket_of(path.local_port);
    if (index < 0 || (path.is_ipv4() ? ipv6_only_ : ipv4_only_)) {
      counters_.drops.add(Drop::no_next_hop);
      ++next;
      continue;
    }
    if (index != current && count > 0) {
      send_messages(batch, files_[static_cast<unsigned>(current)], count);
      count = 0;
    }
    current = index;
    gather(batch, next, count++);
  }
  if (count > 0) send_messages(batch, files_[static_cast<unsigned>(current)], count);
  pool_.give(batch);
}

/// Make a message of the live rows from `next` on that go the same way at the same size (a last one may be shorter).
void Socket::gather(const wire::Batch& batch, unsigned& next, unsigned message) noexcept {
  Sender& s = *sender_;
  const unsigned first = next, first_row = batch.live[first];
  const wire::Path& path = batch.path[first_row];
  const std::uint16_t segment_bytes = batch.length[first_row];
  std::size_t bytes = 0;
  for (; next < batch.live_rows && next - first < segments_max; ++next) {
    const unsigned row = batch.live[next];
    const std::uint16_t length = batch.length[row];
    if (next > first &&
        (!report_.gso || length > segment_bytes || length == 0 || bytes + length > joined_bytes_max ||
         batch.path[row].local_port != path.local_port || batch.path[row].local_address != path.local_address ||
         !wire::same_endpoint(batch.path[row], path) ||
         wire::interface_of(batch.path[row]) != wire::interface_of(path)))
      break;
    s.parts[next] = {batch.data[row], length};
    bytes += length;
    if (length < segment_bytes) {
      ++next;
      break;
    }
  }
  s.first_row[message] = static_cast<std::uint8_t>(first);
  s.row_count[message] = static_cast<std::uint8_t>(next - first);
  msghdr& header = s.messages[message].msg_hdr;
  header.msg_namelen = name_of(path, ipv4_only_, s.names[message].storage);
  header.msg_iov = &s.parts[first];
  header.msg_iovlen = next - first;
  write_control(header, path, next - first > 1 ? segment_bytes : std::uint16_t{0});
}

/// Messages from `first` on, up to `count`, in one call where the system allows that: how many were sent. Below 0:
/// errno says why the first was not.
int Socket::send_some(int file, unsigned first, unsigned count) noexcept {
  mmsghdr* const messages = sender_->messages + first;
  if (!report_.sends_singly) [[likely]]
    return sendmmsg(file, messages, count, MSG_DONTWAIT);
  return sendmsg(file, &messages->msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1;
}

void Socket::send_messages(const wire::Batch& batch, int file, unsigned count) noexcept {
  Sender& s = *sender_;
  unsigned done = 0;
  bool retried = false;
  while (done < count) {
    const int sent = send_some(file, done, count - done);
    if (sent > 0) {
      for (int i = 0; i < sent; ++i) count_sent(batch, done++);
      retried = false;
      continue;
    }
    const int error = sent == 0 ? EAGAIN : errno;
    if (error == EAGAIN || error == ENOBUFS || error == ENOMEM) {
      while (done < count) refuse(done++, error);
    } else if (error == EINTR || ((error == ECONNREFUSED || error == EHOSTUNREACH) && !retried)) {
      retried = true;  // an ICMP error of an earlier datagram, told now; this one was not tried yet
    } else if (s.row_count[done] > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP)) {
      send_one_by_one(batch, file, done++);
    } else {
      refuse(done++, error);
      retried = false;
    }
  }
}

void Socket::count_sent(const wire::Batch& batch, unsigned message) noexcept {
  const Sender& s = *sender_;
  counters_.tx_packets.add(s.row_count[message]);
  for (unsigned i = 0; i < s.row_count[message]; ++i)
    counters_.tx_bytes.add(batch.length[batch.live[s.first_row[message] + i]]);
}

/// For a route whose device cannot split: the same rows singly.
void Socket::send_one_by_one(const wire::Batch& batch, int file, unsigned message) noexcept {
  Sender& s = *sender_;
  msghdr& header = s.messages[message].msg_hdr;
  const unsigned first = s.first_row[message], rows = s.row_count[message];
  write_control(header, batch.path[batch.live[first]], 0);
  header.msg_iovlen = 1;
  s.row_count[message] = 1;
  for (unsigned i = 0; i < rows; ++i) {
    s.first_row[message] = static_cast<std::uint8_t>(first + i);
    header.msg_iov = &s.parts[first + i];
    if (send_some(file, message, 1) > 0)
      count_sent(batch, message);
    else
      refuse(message, errno);
  }
}

void Socket::refuse(unsigned message, int error) noexcept {
  const bool unreachable = error == EHOSTUNREACH || error == ENETUNREACH || error == ENETDOWN || error == EACCES ||
                           error == ECONNREFUSED || error == EPERM || error == EADDRNOTAVAIL || error == EINVAL ||
                           error == EAFNOSUPPORT;
  counters_.drops.add(unreachable ? Drop::no_next_hop : Drop::transmit_full, sender_->row_count[message]);
}

void Socket::poll_missed() noexcept {
  std::uint64_t total = missed_.load(std::memory_order_relaxed);
  for (unsigned i = 0; i < files_.size(); ++i) {
    std::uint32_t memory[SK_MEMINFO_VARS] = {};
    socklen_t bytes = sizeof memory;
    if (getsockopt(files_[i], SOL_SOCKET, SO_MEMINFO, memory, &bytes) != 0) continue;
    total += memory[SK_MEMINFO_DROPS] - missed_by_file_[i];  // modulo 2^32, as the kernel counts
    missed_by_file_[i] = memory[SK_MEMINFO_DROPS];
  }
  missed_.store(total, std::memory_order_relaxed);
}

}  // namespace serried::port
