/// In: behind receive, before guard. The cheapest look at a datagram, before anything is summed or looked up; the
/// columns it fills belong to the io lane's burst.

#include "wire/parse.h"

#include "wire/compose.h"

namespace serried::wire {
namespace {

using metrics::Drop;

constexpr std::uint64_t sequence_end = std::uint64_t{1} << 63;

// Whether the flags go together. Rekey is reserved; AEAD and Encrypted only together; of fragment, compressed and
// reliable handshake at most one, because each says what the whole body is; in clear there are no flags at all.
[[nodiscard]] constexpr bool flags_allowed(std::uint8_t flags) noexcept {
  if ((flags & flag::rekey) != 0) return false;
  if ((flags & flag::sealed) != flag::sealed) return flags == 0;
  const unsigned form = flags & (flag::fragment | flag::compressed | flag::reliable_handshake);
  return (form & (form - 1)) == 0;
}

[[nodiscard]] inline Drop check(const Header& header, std::size_t length) noexcept {
  if (!flags_allowed(header.flags)) return Drop::bad_flags;
  if (header.flags == 0) {
    if (header.sequence != 0 || header.connection_id != no_connection) return Drop::bad_flags;
    if (header.channel != static_cast<std::uint8_t>(Channel::unreliable)) return Drop::bad_channel;
  } else {
    if (length < header_bytes + tag_bytes + crc_bytes) return Drop::short_datagram;
    if (header.connection_id == no_connection || header.sequence == 0 || header.sequence >= sequence_end)
      return Drop::bad_flags;
  }
  if ((header.flags & flag::reliable_handshake) != 0 && header.channel != 0) return Drop::bad_flags;
  return header.channel < channel_count ? Drop::none : Drop::bad_channel;
}

}  // namespace

void parse(Batch& batch, metrics::DropCounters& drops) noexcept {
  batch.filter(drops, [&batch](unsigned row) noexcept {
    const std::size_t length = batch.length[row];
    if (length < datagram_bytes_min) return Drop::short_datagram;
    if (length > datagram_bytes_max) return Drop::long_datagram;
    const Header header = read_header(batch.data[row]);
    batch.connection_id[row] = header.connection_id;
    batch.channel[row] = header.channel;
    batch.flags[row] = header.flags;
    batch.sequence[row] = header.sequence;
    return check(header, length);
  });
}

}  // namespace serried::wire
