#include "crypt/keys.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include <gtest/gtest.h>

#include "crypt/support.h"
#include "crypt/vector_file.h"

namespace serried::crypt {
namespace {

class KeysTest : public testing::Test {
  void SetUp() override { ASSERT_TRUE(initialise()); }
};

TEST_F(KeysTest, Sha256OfFips180) {
  EXPECT_EQ(bytes_of(sha256(bytes_of("abc"))), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_EQ(bytes_of(sha256({})), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

TEST_F(KeysTest, HmacSha256OfRfc4231) {
  struct Case {
    Bytes key, data;
    const char* mac;  // the fifth is given in part: its first 16 bytes
  };
  const Bytes long_key(131, 0xaa);
  const Case cases[] = {
      {Bytes(20, 0x0b), bytes_of("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {bytes_of("Jefe"), bytes_of("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xaa), Bytes(50, 0xdd), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {rising(1, 25), Bytes(50, 0xcd), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {Bytes(20, 0x0c), bytes_of("Test With Truncation"), "a3b6167473100ee06e0c796c2955552b"},
      {long_key, bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {long_key,
       bytes_of("This is a test using a larger than block-size key and a larger than block-size data. The key needs "
                "to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const Case& c : cases) {
    const Bytes expected = hex(c.mac);
    Bytes mac = bytes_of(hmac_sha256(c.key, c.data));
    mac.resize(expected.size());
    EXPECT_EQ(mac, expected);
  }
}

TEST_F(KeysTest, HkdfOfRfc5869A1ToA3) {
  struct Case {
    Bytes input, salt, info;
    std::size_t length;
    const char* prk;
    const char* okm;
  };
  const Case cases[] = {
      {Bytes(22, 0x0b), rising(0x00, 13), rising(0xf0, 10), 42,
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {rising(0x00, 80), rising(0x60, 80), rising(0xb0, 80), 82,
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
       "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {Bytes(22, 0x0b),
       {},
       {},
       42,
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const Case& c : cases) {
    const Secret prk = hkdf_extract(c.salt, c.input);
    EXPECT_EQ(bytes_of(prk), hex(c.prk));
    Bytes okm(c.length);
    hkdf_expand(prk, c.info, okm);
    EXPECT_EQ(okm, hex(c.okm));
    // Shorter outputs are beginnings of longer ones.
    for (std::size_t length = 0; length < c.length; ++length) {
      Bytes part(length);
      hkdf_expand(prk, c.info, part);
      ASSERT_TRUE(std::equal(part.begin(), part.end(), okm.begin()));
    }
  }
}

TEST_F(KeysTest, HkdfExpandsUpTo255Blocks) {
  Bytes most(255 * 32);
  hkdf_expand(secret_of(rising(0, 32)), {}, most);
  EXPECT_NE(Bytes(most.end() - 32, most.end()), Bytes(32));
  Bytes more(255 * 32 + 1);
  EXPECT_DEATH(hkdf_expand(secret_of(rising(0, 32)), {}, more), "internal error");
}

TEST_F(KeysTest, X25519OfRfc7748Section52) {
  struct Case {
    const char *scalar, *point, *result;
  };
  const Case cases[] = {{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
                        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"}};
  for (const Case& c : cases) {
    Secret out;
    ASSERT_TRUE(shared_secret(secret_of(hex(c.scalar)), array_of<32>(hex(c.point)), out));
    EXPECT_EQ(bytes_of(out), hex(c.result));
  }
}

TEST_F(KeysTest, X25519OfRfc7748Section52Iterated) {
  Bytes k = hex("0900000000000000000000000000000000000000000000000000000000000000"), u = k;
  for (int i = 1; i <= 1000; ++i) {
    Secret out;
    ASSERT_TRUE(shared_secret(secret_of(k), array_of<32>(u), out));
    u = k;
    k = bytes_of(out);
    if (i == 1) {
      ASSERT_EQ(k, hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
    }
  }
  EXPECT_EQ(k, hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

TEST_F(KeysTest, X25519OfRfc7748Section61) {
  // The private keys are handed in where entropy is drawn.
  static Bytes drawn;
  const Entropy scripted{[](void*, std::span<std::uint8_t> to) { std::copy(drawn.begin(), drawn.end(), to.begin()); },
                         nullptr};
  drawn = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const KeyPair alice = make_key_pair(scripted);
  drawn = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const KeyPair bob = make_key_pair(scripted);
  EXPECT_EQ(bytes_of(alice.public_key), hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
  EXPECT_EQ(bytes_of(bob.public_key), hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
  Secret of_alice, of_bob;
  ASSERT_TRUE(shared_secret(alice.secret, bob.public_key, of_alice));
  ASSERT_TRUE(shared_secret(bob.secret, alice.public_key, of_bob));
  EXPECT_EQ(bytes_of(of_alice), hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
  EXPECT_EQ(of_alice, of_bob);
}

TEST_F(KeysTest, X25519OfWycheproof) {
  std::size_t valid = 0, refused = 0;
  for (const VectorCase& c : read_vectors("x25519.txt", 3)) {
    SCOPED_TRACE(testing::Message() << "case " << c.number << ": " << c.why);
    Secret out = secret_of(rising(1, 32));
    EXPECT_EQ(shared_secret(secret_of(hex(c.fields[0])), array_of<32>(hex(c.fields[1])), out), c.valid);
    EXPECT_EQ(bytes_of(out), hex(c.fields[2])) << "zeros when refused";
    ++(c.valid ? valid : refused);
  }
  EXPECT_EQ(valid, 487u);
  EXPECT_EQ(refused, 31u);
}

TEST_F(KeysTest, SmallOrderPointsAreRefused) {
  SeededEntropy seeded(1);
  const KeyPair own = make_key_pair(seeded.entropy());
  const char* const points[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                "0100000000000000000000000000000000000000000000000000000000000000",
                                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
  for (const char* point : points) {
    Secret out = secret_of(rising(1, 32));
    EXPECT_FALSE(shared_secret(own.secret, array_of<32>(hex(point)), out)) << point;
    EXPECT_EQ(bytes_of(out), Bytes(32)) << "nothing to go on with";
  }
}

TEST_F(KeysTest, SystemEntropyDiffersAndIsTheDefault) {
  const KeyPair a = make_key_pair(Entropy{}), b = make_key_pair(Entropy{});
  EXPECT_FALSE(a.secret == b.secret);
  EXPECT_NE(a.public_key, b.public_key);
}

KeyContext context() {
  KeyContext context;
  context.version = 1;
  context.protocol_id = 0x3164656972726573;
  context.server_id = 0x1122334455667788;
  context.connection_id = 0xA1B2C3D4;
  context.client_ephemeral = array_of<32>(rising(0, 32));
  context.server_ephemeral = array_of<32>(rising(32, 32));
  context.server_random = array_of<16>(rising(64, 16));
  context.token_hash = array_of<32>(rising(80, 32));
  return context;
}

TEST_F(KeysTest, ScheduleToTheByte) {
  // Computed from the page of the wire format by another implementation of HMAC and SHA-256.
  const SessionKeys keys = derive_session_keys(context(), secret_of(rising(112, 32)), secret_of(rising(144, 32)));
  EXPECT_EQ(bytes_of(keys.client_to_server), hex("c9456ec41b4c4f05a34ee2e97319e84e6f3795c82cebd0eca2f03a2cc2b0f571"));
  EXPECT_EQ(bytes_of(keys.server_to_client), hex("074df09664a48b8b7b11eea1a3c15bbb1f3b782fa2982f458c19f982236fd792"));
  EXPECT_EQ(bytes_of(keys.next), hex("1d2a269527d5dfe7058d52d61b1d140cf1cf8693738a11764cb87f99a0d6bf17"));
  EXPECT_EQ(bytes_of(keys.exporter), hex("22e77d029419841540bb1420235f8b2701a402f3d4a1bc3dd46f4e4199daab0b"));
}

TEST_F(KeysTest, ScheduleDependsOnEverything) {
  const Secret token = secret_of(rising(112, 32)), ee = secret_of(rising(144, 32));
  const SessionKeys keys = derive_session_keys(context(), token, ee);
  std::vector<KeyContext> others(8, context());
  others[0].version = 2;
  others[1].protocol_id ^= 1;
  others[2].server_id ^= 1;
  others[3].connection_id ^= 1;
  others[4].client_ephemeral[31] ^= 1;
  others[5].server_ephemeral[31] ^= 1;
  others[6].server_random[15] ^= 1;
  others[7].token_hash[31] ^= 1;
  for (const KeyContext& other : others)
    EXPECT_FALSE(derive_session_keys(other, token, ee).client_to_server == keys.client_to_server);
  EXPECT_FALSE(derive_session_keys(context(), ee, token).client_to_server == keys.client_to_server);
  EXPECT_FALSE(derive_session_keys(context(), token, token).client_to_server == keys.client_to_server);
  EXPECT_FALSE(keys.client_to_server == keys.server_to_client);
}

EpochContext epoch_context() {
  EpochContext context;
  context.connection_id = 0xA1B2C3D4;
  context.epoch = 1;
  context.server_ephemeral = array_of<32>(rising(32, 32));
  context.client_ephemeral = array_of<32>(rising(0, 32));
  return context;
}

SessionKeys some_keys() {
  SessionKeys keys;
  keys.client_to_server = secret_of(rising(112, 32));
  keys.server_to_client = secret_of(rising(113, 32));
  keys.next = secret_of(rising(176, 32));
  keys.exporter = secret_of(rising(114, 32));
  return keys;
}

TEST_F(KeysTest, NextEpochToTheByte) {
  // Computed from the page of the wire format by another implementation of HMAC and SHA-256.
  const SessionKeys keys = derive_next_keys(epoch_context(), some_keys(), secret_of(rising(144, 32)));
  EXPECT_EQ(bytes_of(keys.client_to_server), hex("78afcab86bd12c52882c1c4f5461087b2a8f36fa7beed3af231818e86f3a8bd5"));
  EXPECT_EQ(bytes_of(keys.server_to_client), hex("6519160f8f2660cce98151502a6bade9444872107bb349760df1bf99aadaf48a"));
  EXPECT_EQ(bytes_of(keys.next), hex("1605e0dd79cc33a8582f19ae89f8a58da0d31bf336ad641aa3e2fd8cec325cbc"));
  EXPECT_EQ(bytes_of(keys.exporter), rising(114, 32)) << "stays that of the handshake";
}

TEST_F(KeysTest, NextEpochDependsOnTheEpochItsEphemeralsAndTheSecretsBefore) {
  const SessionKeys before = some_keys();
  const Secret ee = secret_of(rising(144, 32));
  const SessionKeys keys = derive_next_keys(epoch_context(), before, ee);
  std::vector<EpochContext> others(5, epoch_context());
  others[0].connection_id ^= 1;
  others[1].epoch = 2;
  others[2].server_ephemeral[31] ^= 1;
  others[3].client_ephemeral[31] ^= 1;
  std::swap(others[4].server_ephemeral, others[4].client_ephemeral);
  for (const EpochContext& other : others) {
    const SessionKeys differing = derive_next_keys(other, before, ee);
    EXPECT_FALSE(differing.client_to_server == keys.client_to_server);
    EXPECT_FALSE(differing.server_to_client == keys.server_to_client);
    EXPECT_FALSE(differing.next == keys.next);
  }
  SessionKeys other_next = before;
  other_next.next.bytes()[0] ^= 1;
  EXPECT_FALSE(derive_next_keys(epoch_context(), other_next, ee).client_to_server == keys.client_to_server);
  EXPECT_FALSE(derive_next_keys(epoch_context(), before, before.next).client_to_server == keys.client_to_server);
  // The keys in use say nothing about those that follow: only `next` is carried on.
  SessionKeys other_traffic = before;
  other_traffic.client_to_server.wipe();
  other_traffic.server_to_client.wipe();
  EXPECT_EQ(derive_next_keys(epoch_context(), other_traffic, ee).client_to_server, keys.client_to_server);
}

TEST_F(KeysTest, EpochsWrapWithoutRepeatingAKey) {
  const Secret ee = secret_of(rising(144, 32));
  EpochContext context = epoch_context();
  SessionKeys keys = some_keys();
  std::vector<Bytes> seen;
  for (int rekey = 1; rekey <= 300; ++rekey) {
    context.epoch = static_cast<std::uint8_t>(rekey);
    keys = derive_next_keys(context, keys, ee);
    seen.push_back(bytes_of(keys.client_to_server));
    seen.push_back(bytes_of(keys.server_to_client));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST_F(KeysTest, EqualComparesContentAndLength) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(rising(0, 20), rising(0, 20)));
  EXPECT_FALSE(equal(rising(0, 20), rising(0, 21)));
  EXPECT_FALSE(equal(rising(0, 20), rising(1, 20)));
}

// What a place of memory holds, whatever the compiler knows about objects that lived there.
Bytes memory_at(const void* place, std::size_t count) {
  const volatile std::uint8_t* at = static_cast<const volatile std::uint8_t*>(place);
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(std::uint8_t{at[i]});
  return bytes;
}

TEST_F(KeysTest, SecretsAreWipedWhenDestroyed) {
  alignas(SessionKeys) unsigned char place[sizeof(SessionKeys)];
  auto* const keys = new (place) SessionKeys;
  for (Secret* secret : {&keys->client_to_server, &keys->server_to_client, &keys->next, &keys->exporter})
    *secret = secret_of(rising(1, 32));
  ASSERT_EQ(memory_at(place, 32), rising(1, 32));
  keys->~SessionKeys();
  EXPECT_EQ(memory_at(place, sizeof place), Bytes(sizeof place));
}

TEST_F(KeysTest, WipeClearsMemory) {
  Secret secret = secret_of(rising(1, 32));
  secret.wipe();
  EXPECT_EQ(bytes_of(secret), Bytes(32));
  Bytes bytes = rising(1, 100);
  wipe(bytes);
  EXPECT_EQ(bytes, Bytes(100));
}

}  // namespace
}  // namespace serried::crypt
