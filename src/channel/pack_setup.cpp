/// Memory of the compressor. See pack.h.

#include "channel/pack.h"

#include "base/setup.h"

namespace serried::channel {

SERRIED_SETUP Packer::Packer() : stream_(std::make_unique<LZ4_stream_t>()) {
  LZ4_initStream(stream_.get(), sizeof *stream_);
}

}  // namespace serried::channel
