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
