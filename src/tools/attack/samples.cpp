#include "tools/attack/samples.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/file.h"
#include "tools/attack/frame.h"
#include "tools/attack/target.h"
#include "wire/compose.h"

namespace serried::tools {

namespace {

// A libpcap file: magic, version 2 x u16, zone, accuracy, snap length, link type; a record is seconds, fraction, bytes
// kept, bytes on the wire. All u32 in the writer's byte order.
constexpr std::uint32_t magic_us = 0xA1B2C3D4, magic_ns = 0xA1B23C4D, link_type_ethernet = 1;
constexpr std::size_t file_head_bytes = 24, record_head_bytes = 16;

}  // namespace

bool Samples::add_frame(std::span<const std::uint8_t> frame) {
  FrameView view;
  if (!read_frame(frame, view) || view.to.port != server_.port || view.to.address != server_.address) return false;
  if (contains(ours_, view.from.address)) return false;
  if (view.payload.size() < wire::header_bytes + wire::tag_bytes + wire::crc_bytes ||
      view.payload.size() > wire::datagram_bytes_max)
    return false;
  const wire::Header header = wire::read_header(view.payload.data());
  if ((header.flags & wire::flag::sealed) != wire::flag::sealed || header.connection_id == wire::no_connection)
    return false;
  if (samples_.size() < capacity_) samples_.emplace_back();
  Sample& sample = samples_[taken_++ % capacity_];
  sample.from = view.from;
  sample.bytes = static_cast<std::uint16_t>(view.payload.size());
  std::copy(view.payload.begin(), view.payload.end(), sample.data.begin());
  return true;
}

Result<std::size_t> Samples::add_pcap(const std::string& file) {
  const auto read = base::read_file(file);
  if (!read) return Error{"cannot read '" + file + "'"};
  const std::vector<std::uint8_t> bytes{read->begin(), read->end()};
  if (bytes.size() < file_head_bytes) return Error{"'" + file + "' is no pcap file"};
  const auto magic = base::load<std::uint32_t>(bytes.data());
  const bool swapped = magic == base::byte_swapped(magic_us) || magic == base::byte_swapped(magic_ns);
  if (!swapped && magic != magic_us && magic != magic_ns)
    return Error{"'" + file + "' is no pcap file (pcapng is another: `editcap -F pcap` converts it)"};
  const auto word = [&](std::size_t at) {
    const auto value = base::load<std::uint32_t>(bytes.data() + at);
    return swapped ? base::byte_swapped(value) : value;
  };
  if (word(20) != link_type_ethernet) return Error{"'" + file + "' does not hold Ethernet frames"};
  std::size_t added = 0;
  for (std::size_t at = file_head_bytes; bytes.size() - at >= record_head_bytes;) {
    const std::size_t kept = word(at + 8);
    at += record_head_bytes;
    if (kept > bytes.size() - at) return Error{"'" + file + "' is cut short"};
    added += add_frame({bytes.data() + at, kept}) ? 1 : 0;
    at += kept;
  }
  return added;
}

}  // namespace serried::tools
