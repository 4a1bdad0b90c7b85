#include "tools/swarm/recorder.h"

#include <utility>

#include "base/bytes.h"
#include "channel/ack.h"
#include "channel/pack.h"

namespace serried::tools {

namespace {

constexpr std::size_t sample_head_bytes = 4 + 1 + 1;

}  // namespace

Recorder::Recorder(OutputFile out, std::uint64_t bytes_max)
    : out_(std::move(out)), bytes_max_(bytes_max), unpacked_(channel::unpacked_bytes_max) {}

Result<Recorder> Recorder::open(const std::string& file, std::uint64_t bytes_max) {
  auto opened = OutputFile::create(file);
  if (!opened) return opened.error();
  return Recorder(std::move(opened).value(), bytes_max);
}

void Recorder::add(Direction direction, const wire::Header& header, std::span<const std::uint8_t> body) {
  if ((header.flags & wire::flag::fragment) != 0) return;
  base::ByteReader in(body);
  if (channel::AckBlock block; (header.flags & wire::flag::acknowledgment) != 0 && !read_ack_block(in, block)) return;
  std::span<const std::uint8_t> rest = in.read_rest();
  if ((header.flags & wire::flag::compressed) != 0)
    rest = std::span(unpacked_).first(channel::unpack(rest, unpacked_, nullptr));
  if (rest.empty() || bytes() + sample_head_bytes + rest.size() > bytes_max_) return;
  std::uint8_t head[sample_head_bytes];
  base::store(head, static_cast<std::uint32_t>(rest.size()));
  head[4] = static_cast<std::uint8_t>(direction);
  head[5] = header.channel;
  out_.write(head);
  out_.write(rest);
  ++samples_;
}

}  // namespace serried::tools
