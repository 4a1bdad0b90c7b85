#include "crypt/aead.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <sodium.h>

#include "crypt/reference_aead.h"
#include "crypt/support.h"
#include "crypt/vector_file.h"
#include "simd/isa.h"
#include "support/isas.h"
#include "wire/compose.h"
#include "wire/parse.h"
#include "wire/stamp.h"
#include "wire/verify.h"

namespace serried::crypt {
namespace {

using wire::header_bytes;
using wire::tag_bytes;

class AeadTest : public testing::Test {
  void SetUp() override { ASSERT_TRUE(initialise()); }
};

/// Bursts, with each instruction set that may choose another way.
class AeadBurstTest : public testing::TestWithParam<simd::Isa> {
  void SetUp() override {
    ASSERT_TRUE(initialise());
    if (simd::use_isa(GetParam()) != GetParam()) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
  }
  void TearDown() override { simd::use_isa(simd::detected_isa()); }
};

constexpr std::uint32_t id = 0x07000000;
constexpr std::uint64_t datagram_number = 0x4746454443424140;

Bytes nonce_of(std::uint32_t connection_id, std::uint64_t sequence) {
  Bytes nonce(12);
  base::store(nonce.data(), connection_id);
  base::store(nonce.data() + 4, sequence);
  return nonce;
}

// header | clear | body | room for a tag
Bytes datagram(base::Prng& random, std::size_t clear, std::size_t body) {
  Bytes bytes(header_bytes + clear + body + tag_bytes);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

TEST(ReferenceAead, Rfc8439) {
  const std::string sunscreen =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  // 2.5.2
  EXPECT_EQ(reference::poly1305(hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"),
                                bytes_of("Cryptographic Forum Research Group")),
            hex("a8061dc1305136c6c22b8baf0c0127a9"));
  // 2.8.2
  EXPECT_EQ(reference::seal(rising(0x80, 32), hex("070000004041424344454647"), hex("50515253c0c1c2c3c4c5c6c7"),
                            bytes_of(sunscreen)),
            hex("d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b"
                "1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc"
                "3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691"));
  // A.5, of which the tag also covers the ciphertext
  const std::string draft =
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or "
      "obsoleted "
      "by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite "
      "them "
      "other than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
  const Bytes sealed =
      reference::seal(hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
                      hex("000000000102030405060708"), hex("f33388860000000000004e91"), bytes_of(draft));
  EXPECT_EQ(Bytes(sealed.end() - 16, sealed.end()), hex("eead9d67890cbb22392336fea1851f38"));
}

struct AeadCase {
  explicit AeadCase(const VectorCase& from)
      : key(expanded(from.fields[0])),
        nonce(expanded(from.fields[1])),
        associated(expanded(from.fields[2])),
        sealed(expanded(from.fields[4])),
        tag(expanded(from.fields[5])) {
    if (from.fields[3] == "?") {
      // Sealing is an exclusive or with the key stream, so the same again opens.
      text = reference::seal(key, nonce, associated, sealed);
      text.resize(sealed.size());
    } else {
      text = expanded(from.fields[3]);
    }
  }
  Bytes key, nonce, associated, sealed, tag, text;
};

// What is empty has a place too, as in a datagram.
std::uint8_t* place_of(Bytes& bytes) {
  static std::uint8_t nothing = 0;
  return bytes.empty() ? &nothing : bytes.data();
}

// The calls of aead.cpp, for associated data of any length.
bool open_as_production(const AeadCase& c, Bytes& body) {
  std::uint8_t* const data = place_of(body);
  if (crypto_aead_chacha20poly1305_ietf_decrypt_detached(nullptr, nullptr, data, body.size(), c.tag.data(),
                                                         c.associated.data(), c.associated.size(), c.nonce.data(),
                                                         c.key.data()) != 0)
    return false;
  crypto_stream_chacha20_ietf_xor_ic(data, data, body.size(), c.nonce.data(), 1, c.key.data());
  return true;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST_F(AeadTest, WycheproofHoldsForTheLibraryAndTheReference) {
  std::size_t valid = 0, invalid = 0;
  for (const VectorCase& from : read_vectors("chacha20_poly1305.txt", 6)) {
    SCOPED_TRACE(testing::Message() << "case " << from.number << ": " << from.why);
    const AeadCase c(from);
    ASSERT_EQ(c.nonce.size(), 12u);
    ASSERT_EQ(c.tag.size(), tag_bytes);
    Bytes body = c.sealed;
    EXPECT_EQ(open_as_production(c, body), from.valid);
    EXPECT_EQ(body, from.valid ? c.text : c.sealed) << "what is refused is not touched";

    // The tag alone is what is wrong with an invalid one.
    Bytes tag(tag_bytes);
    body = c.text;
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(place_of(body), tag.data(), nullptr, place_of(body), body.size(),
                                                       c.associated.data(), c.associated.size(), nullptr,
                                                       c.nonce.data(), c.key.data());
    EXPECT_EQ(body, c.sealed);
    EXPECT_EQ(tag == c.tag, from.valid);
    EXPECT_EQ(reference::seal(c.key, c.nonce, c.associated, c.text), joined(body, tag));
    ++(from.valid ? valid : invalid);
  }
  EXPECT_EQ(valid, 256u);
  EXPECT_EQ(invalid, 60u);
}

// One case alone has 14 bytes of associated data, as our datagrams do: the reference, which the test above holds to the
// cases, is the bridge.
TEST_F(AeadTest, WycheproofKeysNoncesAndTagsInDatagrams) {
  std::size_t cases = 0;
  for (const VectorCase& from : read_vectors("chacha20_poly1305.txt", 6)) {
    SCOPED_TRACE(testing::Message() << "case " << from.number << ": " << from.why);
    const AeadCase c(from);
    const auto connection_id = base::load<std::uint32_t>(c.nonce.data());
    const auto sequence = base::load<std::uint64_t>(c.nonce.data() + 4);
    Bytes header = c.associated;
    header.resize(header_bytes);
    Bytes bytes = joined(joined(header, c.text), Bytes(tag_bytes));
    seal_in_place(c.key.data(), connection_id, sequence, bytes.data(), 0, c.text.size());
    const Bytes good = joined(header, reference::seal(c.key, c.nonce, header, c.text));
    EXPECT_EQ(bytes, good);

    // An invalid case says how its tag differs from the right one; the same is done to ours.
    const Bytes right = reference::seal(c.key, c.nonce, c.associated, c.text);
    for (std::size_t back = 1; back <= tag_bytes; ++back)
      bytes[bytes.size() - back] ^= static_cast<std::uint8_t>(right[right.size() - back] ^ c.tag[tag_bytes - back]);
    const Bytes came = bytes;
    EXPECT_EQ(open_in_place(c.key.data(), connection_id, sequence, bytes.data(), 0, c.text.size()), from.valid);
    if (from.valid)
      EXPECT_TRUE(std::equal(c.text.begin(), c.text.end(), bytes.begin() + header_bytes));
    else
      EXPECT_EQ(bytes, came) << "what is refused is not touched";
    ++cases;
  }
  EXPECT_EQ(cases, 316u);
}

TEST_F(AeadTest, SealsAsRfc8439DefinesForEveryLength) {
  constexpr std::uint64_t seed = 8439;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Prng random(seed);
  const Bytes key = rising(0x80, 32);
  for (std::size_t body = 0; body <= wire::body_bytes_max; body += body < 300 ? 1 : 61) {
    const std::size_t clear = body % 3 == 0 ? 48 : 0;
    Bytes bytes = datagram(random, clear, body);
    const Bytes plain = bytes;
    const std::span<const std::uint8_t> view(plain);
    const Bytes expected = reference::seal(key, nonce_of(id, datagram_number), view.first(header_bytes),
                                           view.subspan(header_bytes + clear, body));
    seal_in_place(key.data(), id, datagram_number, bytes.data(), clear, body);
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), bytes.begin() + header_bytes + clear, bytes.end()))
        << body;
    ASSERT_TRUE(std::equal(plain.begin(), plain.begin() + header_bytes + clear, bytes.begin()))
        << "header and clear part";
    ASSERT_TRUE(open_in_place(key.data(), id, datagram_number, bytes.data(), clear, body));
    ASSERT_TRUE(std::equal(plain.begin(), plain.end() - tag_bytes, bytes.begin())) << body;
  }
}

TEST_F(AeadTest, RefusesAnotherKeyIdOrSequence) {
  base::Prng random(1);
  const Bytes key = rising(1, 32), other = rising(2, 32);
  Bytes bytes = datagram(random, 0, 60);
  seal_in_place(key.data(), id, datagram_number, bytes.data(), 0, 60);
  const Bytes sealed = bytes;
  EXPECT_FALSE(open_in_place(other.data(), id, datagram_number, bytes.data(), 0, 60));
  EXPECT_FALSE(open_in_place(key.data(), id + 1, datagram_number, bytes.data(), 0, 60));
  EXPECT_FALSE(open_in_place(key.data(), id, datagram_number + 1, bytes.data(), 0, 60));
  EXPECT_FALSE(open_in_place(key.data(), id, datagram_number, bytes.data(), 0, 59));
  EXPECT_EQ(bytes, sealed) << "what is refused is not touched";
  EXPECT_TRUE(open_in_place(key.data(), id, datagram_number, bytes.data(), 0, 60));
}

struct Rows {
  std::vector<Bytes> keys, bytes;
  AeadBatch batch;

  void add(base::Prng& random, std::size_t clear, std::size_t body) {
    const unsigned row = batch.rows++;
    keys.push_back(Bytes(32));
    for (auto& byte : keys.back()) byte = static_cast<std::uint8_t>(random.next());
    bytes.push_back(datagram(random, clear, body));
    batch.connection_id[row] = static_cast<std::uint32_t>(random.next());
    batch.sequence[row] = random.next();
    batch.clear_bytes[row] = static_cast<std::uint16_t>(clear);
    batch.body_bytes[row] = static_cast<std::uint16_t>(body);
  }
  void point() {
    for (unsigned row = 0; row < batch.rows; ++row) {
      batch.key[row] = keys[row].data();
      batch.data[row] = bytes[row].data();
    }
  }
};

TEST_P(AeadBurstTest, RoundTripAndForgeriesStayAsTheyCame) {
  constexpr std::uint64_t seed = 31;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  base::Prng random(seed);
  for (int round = 0; round < 30; ++round) {
    Rows rows;
    const auto count = static_cast<unsigned>(random.below(AeadBatch::capacity + 1));
    for (unsigned i = 0; i < count; ++i) rows.add(random, random.chance(0.1) ? 48 : 0, random.below(600));
    rows.point();
    const std::vector<Bytes> plain = rows.bytes;
    seal_batch(rows.batch);
    std::uint64_t expected = 0;
    std::vector<Bytes> after = plain;
    for (unsigned row = 0; row < count; ++row) {
      if (random.chance(0.3)) {
        // A bit of the header, of the body or of the tag; the clear part is not covered.
        const std::size_t clear = rows.batch.clear_bytes[row];
        std::size_t at = random.below(rows.bytes[row].size() - clear);
        if (at >= header_bytes) at += clear;
        rows.bytes[row][at] ^= static_cast<std::uint8_t>(1u << random.below(8));
        after[row] = rows.bytes[row];
      } else {
        expected |= std::uint64_t{1} << row;
        std::copy(rows.bytes[row].end() - tag_bytes, rows.bytes[row].end(), after[row].end() - tag_bytes);
      }
    }
    ASSERT_EQ(open_batch(rows.batch), expected);
    ASSERT_EQ(rows.bytes, after);
  }
}

TEST_P(AeadBurstTest, BurstAndSingleAgree) {
  base::Prng random(6);
  Rows rows;
  for (unsigned i = 0; i < AeadBatch::capacity; ++i) rows.add(random, 0, 18 * i);
  rows.point();
  std::vector<Bytes> singles = rows.bytes;
  seal_batch(rows.batch);
  for (unsigned row = 0; row < rows.batch.rows; ++row)
    seal_in_place(rows.keys[row].data(), rows.batch.connection_id[row], rows.batch.sequence[row], singles[row].data(),
                  0, rows.batch.body_bytes[row]);
  EXPECT_EQ(rows.bytes, singles);
}

// As WycheproofKeysNoncesAndTagsInDatagrams, many cases side by side.
TEST_P(AeadBurstTest, WycheproofSideBySide) {
  const std::vector<VectorCase> all = read_vectors("chacha20_poly1305.txt", 6);
  for (std::size_t first = 0; first < all.size(); first += AeadBatch::capacity) {
    Rows rows;
    std::vector<Bytes> good, harm;
    std::uint64_t valid = 0;
    for (std::size_t i = first; i < std::min<std::size_t>(all.size(), first + AeadBatch::capacity); ++i) {
      const AeadCase c(all[i]);
      const unsigned row = rows.batch.rows++;
      Bytes header = c.associated;
      header.resize(header_bytes);
      rows.keys.push_back(c.key);
      rows.bytes.push_back(joined(joined(header, c.text), Bytes(tag_bytes)));
      rows.batch.connection_id[row] = base::load<std::uint32_t>(c.nonce.data());
      rows.batch.sequence[row] = base::load<std::uint64_t>(c.nonce.data() + 4);
      rows.batch.clear_bytes[row] = 0;
      rows.batch.body_bytes[row] = static_cast<std::uint16_t>(c.text.size());
      good.push_back(joined(header, reference::seal(c.key, c.nonce, header, c.text)));
      const Bytes right = reference::seal(c.key, c.nonce, c.associated, c.text);
      harm.push_back(c.tag);
      for (std::size_t at = 0; at < tag_bytes; ++at) harm.back()[at] ^= right[right.size() - tag_bytes + at];
      valid |= std::uint64_t{all[i].valid} << row;
    }
    rows.point();
    const std::vector<Bytes> plain = rows.bytes;
    seal_batch(rows.batch);
    ASSERT_EQ(rows.bytes, good);
    for (unsigned row = 0; row < rows.batch.rows; ++row)
      for (std::size_t at = 0; at < tag_bytes; ++at) rows.bytes[row].end()[-16 + static_cast<int>(at)] ^= harm[row][at];
    const std::vector<Bytes> came = rows.bytes;
    ASSERT_EQ(open_batch(rows.batch), valid);
    for (unsigned row = 0; row < rows.batch.rows; ++row) {
      const Bytes& expected = (valid >> row & 1) != 0 ? plain[row] : came[row];
      ASSERT_TRUE(std::equal(expected.begin(), expected.end() - tag_bytes, rows.bytes[row].begin()))
          << all[first + row].number;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, AeadBurstTest, testing::ValuesIn(test::isas), [](const auto& instance) {
  std::string name{isa_name(instance.param)};
  std::erase(name, '.');
  return name;
});

// The whole way of one datagram: nothing that differs from it by a bit gets in, not even with its CRC put right.
TEST_F(AeadTest, EverySingleBitFlipOfADatagramIsRefused) {
  constexpr std::size_t body = 64, length = header_bytes + body + tag_bytes + wire::crc_bytes;
  const Bytes key = rising(9, 32);
  const wire::CrcSeed seed(77);
  Bytes good(length, 0x5A);
  wire::compose_header(good.data(), {.connection_id = 5, .channel = 1, .flags = wire::flag::sealed, .sequence = 1000});
  seal_in_place(key.data(), 5, 1000, good.data(), 0, body);
  wire::stamp_one(good, seed);

  const auto accepted = [&](Bytes bytes) {
    wire::Batch batch;
    metrics::DropCounters drops;
    batch.append(bytes.data(), bytes.size(), nullptr, wire::Path{});
    wire::parse(batch, drops);
    wire::verify(batch, seed, drops);
    if (batch.live_rows == 0) return false;
    if ((batch.flags[0] & wire::flag::encrypted) == 0) return false;  // clear datagrams do not reach a session
    return open_in_place(key.data(), batch.connection_id[0], batch.sequence[0], bytes.data(), 0, body);
  };
  ASSERT_TRUE(accepted(good));
  for (std::size_t bit = 0; bit < length * 8; ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    ASSERT_FALSE(accepted(flipped)) << "bit " << bit;
    if (bit / 8 < length - wire::crc_bytes) {
      wire::stamp_one(flipped, seed);
      ASSERT_FALSE(accepted(flipped)) << "bit " << bit << ", CRC put right";
    }
  }
}

}  // namespace
}  // namespace serried::crypt
