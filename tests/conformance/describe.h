#pragma once
/// Messages as JSON, in the words of docs/wire-format.md: what verify_wire_format.py compares with its own
/// decoding. Byte strings are hexadecimal.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "message/control.h"
#include "message/entity.h"
#include "message/game.h"
#include "message/input.h"

namespace serried::conformance {

using Json = nlohmann::json;
using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

[[nodiscard]] std::string hex(View bytes);
/// Throws std::invalid_argument for anything but pairs of digits.
[[nodiscard]] Bytes unhex(const std::string& digits);

[[nodiscard]] Json fields(const message::Connect& m);
[[nodiscard]] Json fields(const message::Cookie& m);
[[nodiscard]] Json fields(const message::ConnectionAccepted& m);
[[nodiscard]] Json fields(const message::ConnectionDenied& m);
[[nodiscard]] Json fields(const message::Ping& m);
[[nodiscard]] Json fields(const message::Pong& m);
[[nodiscard]] Json fields(const message::Disconnect& m);
[[nodiscard]] Json fields(const message::CryptoTest& m);
[[nodiscard]] Json fields(const message::EnterToWorld& m);
[[nodiscard]] Json fields(const message::ReliableHandshake& m);
[[nodiscard]] Json fields(const message::CheckIntegrity& m);
[[nodiscard]] Json fields(const message::Rekey& m);
[[nodiscard]] Json fields(const message::EntityState& m);
[[nodiscard]] Json fields(const message::CreateEntity& m);
[[nodiscard]] Json fields(const message::UpdateEntity& m);
[[nodiscard]] Json fields(const message::Record& m);
[[nodiscard]] Json fields(const message::Removal& m);
[[nodiscard]] Json fields(const message::FarRecord& m);
[[nodiscard]] Json fields(const message::Audit& m);
[[nodiscard]] Json fields(const message::Input& m);
[[nodiscard]] Json fields(const message::Action& m);
[[nodiscard]] Json fields(const message::ActionResult& m);
[[nodiscard]] Json fields(const message::SymbolRef& m);
[[nodiscard]] Json fields(const message::Symbol& m);
[[nodiscard]] Json fields(const message::Chat& m);
[[nodiscard]] Json fields(const message::Component& m);
[[nodiscard]] Json fields(const message::StateUpdate& m);
[[nodiscard]] Json fields(const message::InputCommand& m);

/// {"type", "fields"} of a message as the engine decodes it; null when it refuses the content, or knows no such type.
[[nodiscard]] Json describe(message::Type type, View content);

}  // namespace serried::conformance
