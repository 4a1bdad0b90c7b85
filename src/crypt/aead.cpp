/// In: open, behind admit. Out: seal, before stamp. In place, on the buffers of the lane's burst.

#include "crypt/aead.h"

#include <sodium.h>

#include "base/bytes.h"

namespace serried::crypt {
namespace {

static_assert(wire::tag_bytes == crypto_aead_chacha20poly1305_ietf_ABYTES);

struct Nonce {
  Nonce(std::uint32_t connection_id, std::uint64_t sequence) noexcept {
    base::store(bytes, connection_id);
    base::store(bytes + 4, sequence);
  }
  std::uint8_t bytes[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
};

// Keys of 100,000 sessions do not fit a cache. Ask for them while the rows before are at work: a row takes several
// times as long as the memory does.
inline constexpr unsigned keys_ahead = 4;

inline void prefetch_key(const AeadBatch& batch, unsigned row) noexcept {
  if (row < batch.rows) __builtin_prefetch(batch.key[row]);
}

}  // namespace

bool open_in_place(const std::uint8_t* key, std::uint32_t connection_id, std::uint64_t sequence, std::uint8_t* data,
                   std::size_t clear_bytes, std::size_t body_bytes) noexcept {
  const Nonce nonce(connection_id, sequence);
  std::uint8_t* const body = data + wire::header_bytes + clear_bytes;
  // Two steps: asked to decrypt, the library would zero the body of a forgery, and nothing may be written before the
  // tag has verified. Without a destination it only verifies; the work of both steps together is the same.
  if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(nullptr, nullptr, body, body_bytes, body + body_bytes, data,
                                                         wire::header_bytes, nonce.bytes, key) != 0)
    return false;
  // Block 0 is the Poly1305 key (RFC 8439 2.6), the text starts at block 1.
  crypto_stream_chacha20_ietf_xor_ic(body, body, body_bytes, nonce.bytes, 1, key);
  return true;
}

void seal_in_place(const std::uint8_t* key, std::uint32_t connection_id, std::uint64_t sequence, std::uint8_t* data,
                   std::size_t clear_bytes, std::size_t body_bytes) noexcept {
  const Nonce nonce(connection_id, sequence);
  std::uint8_t* const body = data + wire::header_bytes + clear_bytes;
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(body, body + body_bytes, nullptr, body, body_bytes, data,
                                                     wire::header_bytes, nullptr, nonce.bytes, key);
}

std::uint64_t open_batch(const AeadBatch& batch) noexcept {
  if (batch.rows >= simd::aead_rows_min()) return simd::aead_open(batch);
  std::uint64_t authentic = 0;
  for (unsigned i = 0; i < keys_ahead; ++i) prefetch_key(batch, i);
  for (unsigned i = 0; i < batch.rows; ++i) {
    prefetch_key(batch, i + keys_ahead);
    const bool opened = open_in_place(batch.key[i], batch.connection_id[i], batch.sequence[i], batch.data[i],
                                      batch.clear_bytes[i], batch.body_bytes[i]);
    authentic |= static_cast<std::uint64_t>(opened) << i;
  }
  return authentic;
}

void seal_batch(const AeadBatch& batch) noexcept {
  if (batch.rows >= simd::aead_rows_min()) return simd::aead_seal(batch);
  for (unsigned i = 0; i < keys_ahead; ++i) prefetch_key(batch, i);
  for (unsigned i = 0; i < batch.rows; ++i) {
    prefetch_key(batch, i + keys_ahead);
    seal_in_place(batch.key[i], batch.connection_id[i], batch.sequence[i], batch.data[i], batch.clear_bytes[i],
                  batch.body_bytes[i]);
  }
}

}  // namespace serried::crypt
