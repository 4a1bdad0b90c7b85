/// Out: before seal, whose associated data the header is. What is sealed elsewhere has its header by compose_header.
/// Twin of parse; the layout both use is in compose.h.

#include "wire/compose.h"

namespace serried::wire {

void compose(Batch& batch) noexcept {
  for (unsigned i = 0; i < batch.live_rows; ++i) {
    const unsigned row = batch.live[i];
    compose_header(batch.data[row], Header{.connection_id = batch.connection_id[row],
                                           .channel = batch.channel[row],
                                           .flags = batch.flags[row],
                                           .sequence = batch.sequence[row]});
  }
}

}  // namespace serried::wire
