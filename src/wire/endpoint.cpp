#include "wire/endpoint.h"

#include <arpa/inet.h>
#include <charconv>
#include <net/if.h>
#include <string>

#include "base/setup.h"

namespace serried::wire {
namespace {

/// A whole decimal number; 0: it is none, or out of range.
template <class T>
SERRIED_SETUP T number_of(std::string_view digits) {
  T number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return fault == std::errc{} && end == digits.data() + digits.size() ? number : T{0};
}

SERRIED_SETUP Result<std::uint32_t> interface_named(const std::string& text, const std::string& name) {
  std::uint32_t index = if_nametoindex(name.c_str());
  char known[IF_NAMESIZE];
  if (index == 0 && if_indextoname(number_of<std::uint32_t>(name), known) != nullptr)
    index = number_of<std::uint32_t>(name);
  if (index != 0) return index;
  return Error{'"' + text + "\": this machine has no interface \"" + name +
               "\"; choose one that `ip link` lists, by its name or its number"};
}

}  // namespace

bool lacks_interface(const Path& path) noexcept { return is_link_local(path.address) && interface_of(path) == 0; }

SERRIED_SETUP Error no_interface(std::string_view text) {
  return Error{'"' + std::string(text) +
               "\" is link-local, so each interface may have one; say which behind a percent sign, as fe80::1%eth0"};
}

SERRIED_SETUP Result<ScopedAddress> parse_scoped_address(std::string_view text) {
  const std::string whole(text), host = whole.substr(0, whole.find('%'));
  ScopedAddress scoped;
  scoped.address[10] = scoped.address[11] = 0xFF;
  if (inet_pton(AF_INET, host.c_str(), scoped.address.data() + 12) != 1 &&
      inet_pton(AF_INET6, host.c_str(), scoped.address.data()) != 1)
    return Error{'"' + whole + "\" is no IP address; write it like 192.0.2.1 or 2001:db8::1"};
  if (host.size() == whole.size()) return scoped;
  if (!is_link_local(scoped.address))
    return Error{'"' + whole + "\": only a link-local address (fe80::/10) is of one interface; leave out " +
                 whole.substr(host.size())};
  const auto interface = interface_named(whole, whole.substr(host.size() + 1));
  if (!interface) return interface.error();
  scoped.interface = interface.value();
  return scoped;
}

SERRIED_SETUP Result<Path> parse_endpoint(std::string_view text) {
  const std::string whole(text);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return Error{'"' + whole + "\" has no port; write ADDRESS:PORT or [IPv6]:PORT"};
  const std::string_view digits = text.substr(colon + 1);
  Path path;
  path.port = number_of<std::uint16_t>(digits);
  if (path.port == 0) return Error{'"' + std::string(digits) + "\" is no UDP port; it must be 1 to 65535"};
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto scoped = parse_scoped_address(host);
  if (!scoped) return scoped.error();
  path.address = scoped.value().address;
  set_interface(path, scoped.value().interface);
  return path;
}

}  // namespace serried::wire
