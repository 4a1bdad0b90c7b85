/// Entries, answers and the look-up of a version. Lanes ask and check, the client answers.
///
/// To the byte, integers little-endian, the label ASCII without a terminator:
///
///   table[index] = HKDF-Expand(version_secret, "integrity" 9 | version u32 | index u16, 32)
///   answer       = HMAC-SHA256(table[index], nonce 16 | exporter 32), first 16 bytes

#include "crypt/integrity.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace serried::crypt {

const IntegrityVersion* IntegrityTables::find(std::uint32_t version) const noexcept {
  const auto place =
      std::lower_bound(versions_.begin(), versions_.end(), version,
                       [](const IntegrityVersion& held, std::uint32_t asked) { return held.version < asked; });
  return place != versions_.end() && place->version == version ? &*place : nullptr;
}

Secret integrity_entry(const IntegrityVersion& version, std::uint16_t index) noexcept {
  std::uint8_t info[9 + 4 + 2] = {'i', 'n', 't', 'e', 'g', 'r', 'i', 't', 'y'};
  base::store(info + 9, version.version);
  base::store(info + 9 + 4, index);
  Secret entry;
  hkdf_expand(version.secret, info, entry.bytes());
  return entry;
}

IntegrityAnswer integrity_answer(const Secret& entry, const IntegrityNonce& nonce, const Secret& exporter) noexcept {
  std::array<std::uint8_t, sizeof(IntegrityNonce) + key_bytes> covered;
  std::memcpy(covered.data(), nonce.data(), nonce.size());
  std::memcpy(covered.data() + nonce.size(), exporter.data(), key_bytes);
  const Hash whole = hmac_sha256(entry.bytes(), covered);
  wipe(covered);
  IntegrityAnswer answer;
  std::copy_n(whole.begin(), answer.size(), answer.begin());
  return answer;
}

}  // namespace serried::crypt
