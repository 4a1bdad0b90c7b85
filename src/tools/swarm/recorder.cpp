#include "tools/swarm/recorder.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "channel/ack.h"
#include "channel/pack.h"

namespace serried::tools {

namespace {

constexpr std::size_t sample_head_bytes = 4 + 1 + 1;

[[nodiscard]] Error file_error(const std::string& file) {
  return Error{"cannot write the record '" + file + "': " + std::strerror(errno)};
}

}  // namespace

Recorder::Recorder(std::FILE* opened, std::string file, std::uint64_t bytes_max)
    : open_(opened), file_(std::move(file)), bytes_max_(bytes_max), unpacked_(channel::unpacked_bytes_max) {}

Result<Recorder> Recorder::open(const std::string& file, std::uint64_t bytes_max) {
  std::FILE* opened = std::fopen(file.c_str(), "wb");
  if (opened == nullptr) return file_error(file);
  return Recorder(opened, file, bytes_max);
}

void Recorder::add(Direction direction, const wire::Header& header, std::span<const std::uint8_t> body) {
  if ((header.flags & wire::flag::fragment) != 0) return;
  base::ByteReader in(body);
  if (channel::AckBlock block; (header.flags & wire::flag::acknowledgment) != 0 && !read_ack_block(in, block)) return;
  std::span<const std::uint8_t> rest = in.read_rest();
  if ((header.flags & wire::flag::compressed) != 0)
    rest = std::span(unpacked_).first(channel::unpack(rest, unpacked_, nullptr));
  if (rest.empty() || bytes_ + sample_head_bytes + rest.size() > bytes_max_) return;
  std::uint8_t head[sample_head_bytes];
  base::store(head, static_cast<std::uint32_t>(rest.size()));
  head[4] = static_cast<std::uint8_t>(direction);
  head[5] = header.channel;
  // A full disk shows in finish().
  if (std::fwrite(head, 1, sizeof head, open_.get()) != sizeof head) return;
  if (std::fwrite(rest.data(), 1, rest.size(), open_.get()) != rest.size()) return;
  ++samples_;
  bytes_ += sizeof head + rest.size();
}

Result<Done> Recorder::finish() {
  if (std::fflush(open_.get()) != 0 || std::ferror(open_.get()) != 0) return file_error(file_);
  return Done{};
}

}  // namespace serried::tools
