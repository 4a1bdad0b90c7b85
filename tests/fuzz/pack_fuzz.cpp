/// Packed bodies and dictionary files from arbitrary bytes, and arbitrary bytes packed. What unpacks has the size that
/// it says; what is packed comes back as it was, whatever was packed before it.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "channel/dictionary.h"
#include "channel/pack.h"

namespace {

using namespace serried;
using Bytes = std::span<const std::uint8_t>;

void demand(bool condition) {
  if (!condition) std::abort();
}

const channel::Dictionary& dictionary() {
  static const channel::Dictionary made = [] {
    std::vector<std::uint8_t> bytes(4'000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 5);
    return std::move(channel::Dictionary::make(1, std::move(bytes))).value();
  }();
  return made;
}

void try_unpack(Bytes packed, const channel::Dictionary* known) {
  // Exactly as large as it says, so that the address sanitizer sees what goes beyond.
  const std::size_t claimed = packed.size() < 2 ? 0 : base::load<std::uint16_t>(packed.data()) & 0x3FFFU;
  std::vector<std::uint8_t> to(std::min(claimed, channel::unpacked_bytes_max));
  const std::size_t bytes = channel::unpack(packed, to, known);
  demand(bytes == 0 || bytes == claimed);
}

void try_pack(Bytes rest, const channel::Dictionary* known) {
  static channel::Packer packer;
  std::vector<std::uint8_t> packed(rest.size());
  packed.resize(packer.pack(rest, packed, known));
  if (packed.empty()) return;
  demand(packed.size() < rest.size());
  std::vector<std::uint8_t> again(rest.size());
  demand(channel::unpack(packed, again, known) == rest.size() && std::equal(again.begin(), again.end(), rest.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input{data, size};
  for (const channel::Dictionary* known : {static_cast<const channel::Dictionary*>(nullptr), &dictionary()}) {
    try_unpack(input, known);
    try_pack(input, known);
    // Short inputs, again and again, are long enough to be packed.
    if (size != 0 && size <= channel::pack_above_bytes) {
      std::vector<std::uint8_t> repeated(channel::pack_above_bytes + 1 + size);
      for (std::size_t i = 0; i < repeated.size(); ++i) repeated[i] = data[i % size];
      try_pack(repeated, known);
    }
  }
  const auto parsed = channel::parse_dictionary(input);
  if (parsed) {
    demand(parsed.value().id() != 0 && parsed.value().bytes().size() == size - 16);
    try_pack(input.subspan(16), &parsed.value());
  }
  return 0;
}
