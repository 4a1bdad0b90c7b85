#include "games/reference/config.h"

#include <gtest/gtest.h>

#include "message/type.h"

namespace serried::games::reference {
namespace {

TEST(Config, AWelcomeIsTextOfOneMessage) {
  Config config;
  config.welcome.assign(message::message_bytes_max - 1, 'w');
  EXPECT_TRUE(config.validate().empty());
  config.welcome += 'w';
  EXPECT_EQ(config.validate().size(), 1U);
  config.welcome = "\xFF";
  EXPECT_EQ(config.validate().size(), 1U);
}

}  // namespace
}  // namespace serried::games::reference
