#include "tools/swarm/recorded_traffic.h"

#include <array>
#include <span>

#include "base/prng.h"
#include "crypt/aead.h"
#include "session/measurement.h"
#include "tools/swarm/bot.h"
#include "tools/swarm/pcap_file.h"
#include "wire/compose.h"
#include "wire/link.h"
#include "wire/stamp.h"

namespace serried::tools {
namespace {

using session::Measurement;

/// A player whose inputs are written one after the other, each with the two before it.
class Author {
 public:
  Author(const Measurement::Player& player, const SwarmOptions& options)
      : player_(player), inputs_(options.recorded_inputs), walker_(base::mix(options.seed, player.id)) {
    for (unsigned ago = 2; ago != 0; --ago) step(inputs_ - ago, 0);
  }

  [[nodiscard]] std::uint32_t lane() const noexcept { return player_.lane; }
  [[nodiscard]] const wire::Path& path() const noexcept { return player_.path; }

  /// Write datagram `index` of its file to `to`; how many bytes.
  std::size_t compose(std::span<std::uint8_t, wire::datagram_bytes_max> to, unsigned index, wire::CrcSeed crc,
                      Nanos now) noexcept {
    step(index, now);
    base::ByteWriter out{to.subspan(wire::header_bytes, wire::body_bytes_max)};
    for (const message::Input& input : newest_) message::encode(out, input);
    const std::uint64_t sequence = std::uint64_t{index} + 1;
    wire::compose_header(to.data(), {player_.connection_id, 0, wire::flag::sealed, sequence});
    crypt::seal_in_place(player_.keys.client_to_server.data(), player_.connection_id, sequence, to.data(), 0,
                         out.size());
    const std::size_t bytes = wire::header_bytes + out.size() + wire::tag_bytes + wire::crc_bytes;
    wire::stamp_one(to.first(bytes), crc);
    return bytes;
  }

 private:
  void step(unsigned index, Nanos now) noexcept {
    newest_ = {newest_[1], newest_[2], walker_.step(now)};
    newest_[2].sequence = static_cast<std::uint16_t>((std::uint64_t{index} << 16) / inputs_);
    newest_[2].client_tick = index;
  }

  Measurement::Player player_;
  unsigned inputs_;
  Walker walker_;
  std::array<message::Input, 3> newest_{};  ///< oldest first
};

/// The headers before the datagram at `payload`; where the frame begins.
std::uint8_t* compose_frame(std::uint8_t* payload, std::size_t bytes, const SwarmOptions& options,
                            const wire::Path& from) noexcept {
  wire::UdpFrame frame;
  frame.link = {options.server_mac, from.link, 0, 0, 0};
  frame.source = from.address;
  frame.destination = options.server.address;
  frame.source_port = from.port;
  frame.destination_port = options.server.port;
  frame.payload_bytes = static_cast<std::uint16_t>(bytes);
  return payload - wire::compose_udp(payload, frame);
}

}  // namespace

std::string pcap_file_of(const SwarmOptions& options, unsigned lane) {
  return options.io_lanes == 1 ? options.pcap_file : options.pcap_file + "." + std::to_string(lane);
}

Result<RecordedTraffic> write_recorded_traffic(const SwarmOptions& options) {
  const Measurement measurement{
      {.seed = options.seed, .players = options.bots, .lanes = options.io_lanes, .ipv6 = !options.server.is_ipv4()}};
  const wire::CrcSeed crc{measurement.token_key().protocol_id};
  RecordedTraffic traffic;
  std::vector<PcapFile> files;
  for (unsigned lane = 0; lane < options.io_lanes; ++lane) {
    auto file = PcapFile::create(traffic.files.emplace_back(pcap_file_of(options, lane)));
    if (!file) return file.error();
    files.push_back(std::move(file).value());
  }
  std::vector<Author> authors;
  authors.reserve(options.bots);
  for (std::uint32_t number = 0; number < options.bots; ++number)
    authors.emplace_back(measurement.player(number), options);

  const double interval = static_cast<double>(second) / (options.rate_hz * options.bots);
  std::array<std::uint8_t, wire::link_headers_bytes_max + wire::datagram_bytes_max> room;
  const std::span datagram = std::span{room}.last<wire::datagram_bytes_max>();
  for (unsigned index = 0; index < options.recorded_inputs; ++index) {
    for (Author& author : authors) {
      const auto at = static_cast<Nanos>(interval * static_cast<double>(traffic.frames++));
      const std::size_t bytes = author.compose(datagram, index, crc, at);
      const std::uint8_t* const begin = compose_frame(datagram.data(), bytes, options, author.path());
      files[author.lane()].add({begin, datagram.data() + bytes}, at);
    }
  }
  for (PcapFile& file : files) {
    if (auto done = file.finish(); !done) return done.error();
    traffic.bytes += file.bytes();
  }
  return traffic;
}

}  // namespace serried::tools
