#pragma once
/// Expected failures of the control path: a value, or an error whose message is one clear sentence.
/// The packet path does not use it; there a failure is a `Drop` verdict and a counter.

#include <string>
#include <utility>
#include <variant>

namespace serried {

/// What went wrong, for a person: what, where, and what to do.
struct Error {
  std::string message;

  /// The same error seen from further out: "`outer`: `message`".
  [[nodiscard]] Error within(const std::string& outer) const { return Error{outer + ": " + message}; }
};

/// A `T`, or the reason why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  explicit operator bool() const { return state_.index() == 0; }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value.
struct Done {};

}  // namespace serried
