#pragma once
/// Vectors of the wire format: a JSON object each, with what its inputs come to under "expect", null when the engine
/// refuses them. serried_wire/vectors.py lists the kinds, and has the same in Python.

#include "conformance/describe.h"

namespace serried::conformance {

/// What the engine makes of the inputs of `vector`. Throws a std::exception for an object that is no vector.
[[nodiscard]] Json answer(const Json& vector);

}  // namespace serried::conformance
