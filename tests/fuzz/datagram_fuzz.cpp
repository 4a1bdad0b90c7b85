/// Everything that happens to a datagram before a key is needed: parse and verify, as it came and with its CRC put
/// right (the fuzzer would never guess one). What passes must say so consistently, and compose must give it back.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "wire/compose.h"
#include "wire/parse.h"
#include "wire/stamp.h"
#include "wire/verify.h"

namespace {

using namespace serried;

void demand(bool condition) {
  if (!condition) std::abort();
}

// Through both stages, alone in a burst. Returns the verdict.
metrics::Drop pass(std::vector<std::uint8_t>& bytes, wire::CrcSeed seed) {
  static wire::Batch batch;
  metrics::DropCounters drops;
  batch.clear();
  const unsigned row = batch.append(bytes.data(), bytes.size(), nullptr, wire::Path{});
  wire::parse(batch, drops);
  wire::verify(batch, seed, drops);
  demand((batch.live_rows == 1) == (batch.verdict[row] == metrics::Drop::none));
  demand(drops.total(metrics::DropUnit::datagram) == (batch.live_rows == 0 ? 1 : 0));
  if (batch.live_rows == 1) {
    demand(wire::verify_one(bytes, seed));
    const std::vector<std::uint8_t> before = bytes;
    wire::compose(batch);
    wire::stamp(batch, seed);
    demand(bytes == before);
    demand(batch.channel[row] < wire::channel_count);
    const bool sealed = (batch.flags[row] & wire::flag::sealed) == wire::flag::sealed;
    demand(sealed == (batch.connection_id[row] != wire::no_connection));
  }
  return batch.verdict[row];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2048) return 0;
  const wire::CrcSeed seed(0x3164656972726573);
  // A buffer of its own size, so that a byte read beyond the end is one that the sanitizer sees.
  std::vector<std::uint8_t> bytes(data, data + size);
  static_cast<void>(pass(bytes, seed));
  if (size < wire::crc_bytes) return 0;
  wire::stamp_one(bytes, seed);
  demand(pass(bytes, seed) != metrics::Drop::bad_crc);
  return 0;
}
