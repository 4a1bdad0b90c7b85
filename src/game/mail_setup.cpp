#include "game/mail.h"

#include "base/setup.h"

namespace serried::game {

SERRIED_SETUP std::vector<std::uint8_t> welcome_message(std::string_view text) {
  if (text.empty()) return {};
  const auto bytes = base::as_bytes(text);
  std::vector<std::uint8_t> message;
  if (text.size() > message::chat_text_bytes_max) {
    message.push_back(static_cast<std::uint8_t>(type_welcome));
    message.insert(message.end(), bytes.begin(), bytes.end());
    return message;
  }
  std::array<std::uint8_t, answers_bytes_max> framed;
  base::ByteWriter out{framed};
  encode(out, message::Chat{message::ChatScope::server, 0, bytes});
  base::ByteReader in{out.written()};
  in.read_varint();
  const auto chat = in.read_rest();
  message.assign(chat.begin(), chat.end());
  return message;
}

}  // namespace serried::game
