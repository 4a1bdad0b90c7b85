#include "tools/swarm/pcap_file.h"

#include <array>

#include "base/bytes.h"

namespace serried::tools {
namespace {

constexpr std::uint32_t magic_of_nanoseconds = 0xA1B2'3C4D;
constexpr std::uint32_t snap_bytes = 65'535, link_ethernet = 1;
constexpr std::size_t file_header_bytes = 24, record_header_bytes = 16;

}  // namespace

Result<PcapFile> PcapFile::create(const std::string& file) {
  auto opened = OutputFile::create(file);
  if (!opened) return opened.error();
  std::array<std::uint8_t, file_header_bytes> header{};
  base::ByteWriter out{header};
  out.write(magic_of_nanoseconds);
  out.write(std::uint16_t{2});
  out.write(std::uint16_t{4});
  out.write_zeros(8);
  out.write(snap_bytes);
  out.write(link_ethernet);
  opened.value().write(header);
  return PcapFile{std::move(opened).value()};
}

void PcapFile::add(std::span<const std::uint8_t> frame, Nanos at) noexcept {
  std::array<std::uint8_t, record_header_bytes> header{};
  base::ByteWriter out{header};
  out.write(static_cast<std::uint32_t>(at / second));
  out.write(static_cast<std::uint32_t>(at % second));
  out.write(static_cast<std::uint32_t>(frame.size()));
  out.write(static_cast<std::uint32_t>(frame.size()));
  out_.write(header);
  out_.write(frame);
}

}  // namespace serried::tools
