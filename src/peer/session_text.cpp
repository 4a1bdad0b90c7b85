/// Names and sentences for people, and the log of faults.

#include "peer/session.h"

namespace serried::peer {

namespace {

[[nodiscard]] const char* protocol_error_text(const FaultLog& faults) noexcept {
  if (faults.count(Fault::ack_lie) != 0) return "it acknowledged what was never sent";
  if (faults.count(Fault::bad_packed) != 0) return "a compressed datagram on a reliable channel is damaged";
  if (faults.count(Fault::bad_rekey) != 0) return "it asked for new keys out of turn";
  if (faults.count(Fault::stalled_message) != 0) return "it began a message in fragments and did not go on with it";
  return "messages on a reliable channel contradict one another";
}

[[nodiscard]] std::string sentence(std::string_view before, std::string_view subject, std::string_view behind) {
  std::string text(before);
  text += subject;
  text += behind;
  return text;
}

[[nodiscard]] std::string hexadecimal(std::uint8_t byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return {'0', 'x', digits[byte >> 4], digits[byte & 15]};
}

/// As docs/wire-format.md names it, with its article.
[[nodiscard]] std::string message_text(std::uint8_t type) {
  using message::Type;
  switch (static_cast<Type>(type)) {
    case Type::connection_accepted:
      return "a ConnectionAccepted";
    case Type::ping:
      return "a Ping";
    case Type::pong:
      return "a Pong";
    case Type::disconnect:
      return "a Disconnect";
    case Type::reliable_handshake:
      return "a ReliableHandshake";
    case Type::crypto_test_ack:
      return "a CryptoTestAck";
    case Type::check_integrity:
      return "a CheckIntegrity";
    case Type::rekey_request:
    case Type::server_rekey_request:
      return "a RekeyRequest";
    case Type::audit:
      return "an Audit";
    case Type::create_entity:
      return "a CreateEntity";
    case Type::update_entity:
      return "an UpdateEntity";
    case Type::remove_entity:
      return "a RemoveEntity";
    case Type::update_entity_quantized:
      return "an UpdateEntityQuantized";
    case Type::delta_sync:
      return "a DeltaSync";
    case Type::entity_block:
      return "an EntityBlock";
    case Type::action_result:
      return "an ActionResult";
    case Type::state_update:
      return "a StateUpdate";
    case Type::symbol:
      return "a Symbol";
    case Type::chat:
      return "a Chat";
    default:
      return sentence("a message of type ", hexadecimal(type), "");
  }
}

[[nodiscard]] const char* ending_text(End end) noexcept {
  switch (end) {
    case End::none:
    case End::user:
      break;
    case End::denied:
      return "the server refused the connection";
    case End::connect_timeout:
      return "no connection came about in time";
    case End::silence:
      return "nothing was heard from the server for too long";
    case End::disconnected:
      return "the server ended the connection";
    case End::protocol_error:
      return "the connection was ended because the server broke the protocol";
    case End::no_acks:
      return "the connection was ended because the server acknowledged nothing";
  }
  return "the connection was ended by this client";
}

[[nodiscard]] std::string what_happened(Fault fault, std::uint8_t detail) {
  switch (fault) {
    case Fault::bad_framing:
      return "a message is longer than what is left of its datagram";
    case Fault::bad_message:
      return sentence("the content of ", message_text(detail), " is malformed");
    case Fault::unknown_message:
      return sentence("", message_text(detail), " is not known here");
    case Fault::unexpected_message:
      return sentence("", message_text(detail), " came out of turn");
    case Fault::bad_ack:
      return "the acknowledgments are malformed";
    case Fault::ack_lie:
      return "a datagram is acknowledged that was never sent";
    case Fault::bad_reliable:
      return sentence("messages on channel ", std::to_string(detail), " contradict one another");
    case Fault::stalled_message:
      return "a message in fragments was begun and not gone on with";
    case Fault::bad_packed:
      return sentence("a compressed datagram on channel ", std::to_string(detail), " is damaged");
    case Fault::bad_rekey:
      return sentence("keys of epoch ", std::to_string(detail), " were asked for out of turn");
    case Fault::bad_accept:
      return "a ConnectionAccepted is authentic and malformed";
    case Fault::input_echo:
      return "an input is said to be applied that was never sent";
    case Fault::view_mismatch:
      return "an entity is not in the state that the server believes it to be in";
    case Fault::misplaced_record:
      return "the section of a position cannot be told";
    case Fault::view_full:
      return "there are more entities than the server promised";
    case Fault::ended:
      return ending_text(static_cast<End>(detail));
    case Fault::count_:
      break;
  }
  return {};
}

}  // namespace

std::string_view state_name(State state) noexcept {
  constexpr std::string_view names[] = {"idle",     "connecting", "challenged", "testing",
                                        "entering", "playing",    "closing",    "closed"};
  return names[static_cast<std::size_t>(state)];
}

std::string_view end_name(End end) noexcept {
  constexpr std::string_view names[] = {"none",    "user",         "denied",         "connect_timeout",
                                        "silence", "disconnected", "protocol_error", "no_acks"};
  return names[static_cast<std::size_t>(end)];
}

std::string_view fault_name(Fault fault) noexcept {
  constexpr std::string_view names[] = {"bad_framing",   "bad_message",      "unknown_message", "unexpected_message",
                                        "bad_ack",       "ack_lie",          "bad_reliable",    "stalled_message",
                                        "bad_packed",    "bad_rekey",        "bad_accept",      "input_echo",
                                        "view_mismatch", "misplaced_record", "view_full",       "ended"};
  static_assert(sizeof names / sizeof names[0] == fault_count);
  return names[static_cast<std::size_t>(fault)];
}

std::string fault_text(const FaultReport& report) {
  const std::string text = what_happened(report.fault, report.detail);
  return report.sequence == 0 ? text : sentence("in datagram ", std::to_string(report.sequence), " ").append(text);
}

void FaultLog::add(const FaultReport& report) noexcept {
  reports_[total_ % capacity] = report;
  ++counts_[static_cast<std::size_t>(report.fault)];
  ++total_;
}

std::string Session::end_text() const {
  switch (end_) {
    case End::none:
      return "not ended";
    case End::user:
      return "closed by this client";
    case End::denied: {
      std::string text = "the server refused the connection: " + std::string(message::deny_text(deny_reason_));
      if (retry_after_ms_ != 0) text += "; try again in " + std::to_string(retry_after_ms_) + " ms";
      return text;
    }
    case End::connect_timeout:
      return "no connection within " + std::to_string(connect_timeout_ / millisecond) +
             " ms: check the server's address, protocol id and token key";
    case End::silence:
      return "nothing was heard from the server for " + std::to_string(silence_max() / millisecond) + " ms";
    case End::disconnected: {
      std::string text =
          "the server ended the connection: " + std::string(message::disconnect_text(disconnect_reason_));
      if (disconnect_text_bytes_ != 0)
        text += " (" + std::string(disconnect_text_.data(), disconnect_text_bytes_) + ")";
      return text;
    }
    case End::protocol_error:
      return std::string("the server broke the protocol: ") + protocol_error_text(faults_);
    case End::no_acks:
      return "the server has acknowledged nothing for " +
             std::to_string(channel::ClientSentDatagrams::expirations_max) + " retransmission timeouts in a row";
  }
  return {};
}

}  // namespace serried::peer
