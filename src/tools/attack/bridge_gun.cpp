#include "tools/attack/bridge_gun.h"

#include <array>

#include "tools/attack/frame.h"

namespace serried::tools {
namespace {

/// No maker's: locally administered.
constexpr wire::Mac own_mac{0x02, 0x53, 0x52, 0x44, 0x00, 0x01};

}  // namespace

unsigned BridgeGun::carry(Samples& samples) noexcept {
  const auto up = bridge_->receive(port::Bridge::Side::left);
  for (const auto frame : up)
    if (++passed_ % overhear_one_in == 0) samples.add_frame(frame);
  auto frames = static_cast<unsigned>(up.size());
  bridge_->pass_on(0);

  const auto down = bridge_->receive(port::Bridge::Side::right);
  std::uint64_t answers = 0;
  for (unsigned i = 0; i < down.size(); ++i) answers |= std::uint64_t{is_answer(down[i])} << i;
  frames += static_cast<unsigned>(down.size());
  bridge_->pass_on(answers);
  return frames;
}

bool BridgeGun::is_answer(std::span<const std::uint8_t> frame) noexcept {
  wire::EthernetHeader link;
  if (!wire::read_ethernet(frame, link)) return false;
  server_mac_ = link.source;
  if (link.destination != own_mac) return false;
  Answer answer;
  if (read_answer(frame, server_, answer)) heard_.heard(answer.kind, answer.bytes);
  return true;
}

void BridgeGun::fire(const Shot* shots, unsigned count, AttackTally& tally) noexcept {
  if (server_mac_ == wire::Mac{}) {
    tally.refused += count;
    return;
  }
  std::array<port::Bridge::Piece, burst> pieces;
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t headers = compose_claimed(room(i), shots[i], server_, {own_mac, server_mac_});
    pieces[i] = {static_cast<std::uint16_t>(headers), shots[i].bytes};
  }
  const unsigned sent = bridge_->send(port::Bridge::Side::right, {pieces.data(), count});
  for (unsigned i = 0; i < sent; ++i) tally.sent(shots[i].kind, shots[i].bytes);
  tally.refused += count - sent;
}

void BridgeGun::hear(AttackTally& tally) noexcept {
  for (std::size_t kind = 0; kind < attack_kinds; ++kind) {
    tally.of[kind].answers += heard_.of[kind].answers;
    tally.of[kind].answer_bytes += heard_.of[kind].answer_bytes;
  }
  heard_ = {};
}

}  // namespace serried::tools
