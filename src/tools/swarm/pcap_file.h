#pragma once
/// A capture file with Ethernet frames, as net_pcap, Pktgen, tcpdump and others read it.
///
///     file   := magic u32 | version 2.4 2 * u16 | zone 0 u32 | accuracy 0 u32 | longest frame u32 | link type 1 u32 |
///               record*
///     record := seconds u32 | nanoseconds u32 | bytes in the file u32 | bytes on the wire u32 | frame
///
/// Source  Internet-Draft draft-ietf-opsawg-pcap (PCAP Capture File Format); the magic number of nanoseconds

#include <cstdint>
#include <span>
#include <string>

#include "serried/result.h"
#include "serried/time.h"
#include "tools/swarm/output_file.h"

namespace serried::tools {

class PcapFile {
 public:
  /// Create or replace `file`.
  [[nodiscard]] static Result<PcapFile> create(const std::string& file);

  void add(std::span<const std::uint8_t> frame, Nanos at) noexcept;

  /// Write what is still held; an error if anything was not written.
  [[nodiscard]] Result<Done> finish() { return out_.finish(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return out_.bytes(); }

 private:
  explicit PcapFile(OutputFile out) : out_(std::move(out)) {}

  OutputFile out_;
};

}  // namespace serried::tools
