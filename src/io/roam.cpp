/// A session whose datagrams come from a new address: probed before it moves, so that a copied datagram moves nothing
/// and no host is made to receive what it did not ask for.
/// Source  docs/wire-format.md section 8, Roaming

#include "io/roam.h"

#include "io/reply.h"
#include "message/control.h"

namespace serried::io {
namespace {

using metrics::Drop;
using session::Roam;

constexpr Nanos probe_interval = 200 * millisecond;
constexpr Nanos probe_max = 3 * second;
constexpr std::uint8_t wrong_ids_max = 8;
constexpr std::uint32_t amplification_max = 3;
/// A Ping and the ack block before it, sealed.
constexpr std::uint32_t probe_bytes =
    wire::header_bytes + wire::ack_block_bytes_max + 18 + wire::tag_bytes + wire::crc_bytes;

void probe(IoState& state, std::uint32_t slot, Roam& roam, Nanos now) noexcept {
  if (roam.sent_bytes + probe_bytes > amplification_max * roam.received_bytes) return;
  const bool sent = reply_with(state, slot, [&](base::ByteWriter& out, ReplyRow& row) {
    message::encode(out, message::Ping{roam.probe_id, now / microsecond});
    row.is_probe = true;
    return true;
  });
  if (!sent) return;
  roam.sent_bytes += probe_bytes;
  roam.probed_at = now;
}

}  // namespace

void note_foreign(IoState& state, std::uint32_t slot, const wire::Path& from, std::uint32_t bytes, bool newest,
                  Nanos now) noexcept {
  Roam& roam = state.table.cold(slot).roam;
  if (roam.probe_id != 0 && wire::same_endpoint(roam.candidate, from)) {
    roam.received_bytes += bytes;
    if (newest) roam.candidate = from;  // it may have come by another device or router
    return;
  }
  // Of several addresses the newest is probed, however long the one before would still have been; but a client that
  // changes it with every datagram does not get a probe for each.
  if (!newest || (roam.probe_id != 0 && now - roam.since < probe_interval)) return;
  roam = {};
  roam.candidate = from;
  do roam.probe_id = state.secrets.next();
  while (roam.probe_id == 0);
  roam.since = now;
  roam.received_bytes = bytes;
  probe(state, slot, roam, now);
}

Drop on_probe_pong(IoState& state, std::uint32_t slot, std::uint64_t id, const wire::Path& from) noexcept {
  Roam& roam = state.table.cold(slot).roam;
  if (roam.probe_id == 0 || !wire::same_endpoint(roam.candidate, from)) return Drop::none;
  if (id != roam.probe_id) {
    if (++roam.wrong_ids >= wrong_ids_max) roam = {};
    return Drop::unexpected_message;
  }
  wire::Path& path = state.table.peer(slot).path;
  session::Outbound& outbound = state.table.outbound(slot);
  if (path.address != from.address) {
    outbound.congestion.restart();
    outbound.sent.forget_round_trip();
  }
  path = from;
  roam = {};
  state.counters.roamed.add(1);
  return Drop::none;
}

void sweep_roam(IoState& state, std::uint32_t slot, Nanos now) noexcept {
  Roam& roam = state.table.cold(slot).roam;
  if (roam.probe_id == 0) return;
  if (now - roam.since >= probe_max)
    roam = {};
  else if (now - roam.probed_at >= probe_interval)
    probe(state, slot, roam, now);
}

}  // namespace serried::io
