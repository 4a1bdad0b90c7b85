#include "tools/impair/relay.h"

#include <algorithm>
#include <cstring>

#include "base/prng.h"

namespace serried::tools {

Result<std::unique_ptr<Relay>> Relay::open(const RelayConfig& config) {
  auto addresses = std::make_unique<port::LocalAddresses>();
  port::SocketConfig front;
  front.local_addresses = addresses.get();
  front.address = config.listen.address;
  front.interface = wire::interface_of(config.listen);
  front.port_first = config.listen.port;
  auto front_socket = port::Socket::open(front);
  if (!front_socket) return front_socket.error().within("--listen");
  port::SocketConfig back;
  if (config.server.is_ipv4()) back.address = port::ipv4_address(0, 0, 0, 0);
  back.socket_count = config.clients_max;
  auto back_socket = port::Socket::open(back);
  if (!back_socket) return back_socket.error().within("--clients");
  return std::unique_ptr<Relay>{
      new Relay(config, std::move(addresses), std::move(front_socket).value(), std::move(back_socket).value())};
}

Relay::Relay(const RelayConfig& config, std::unique_ptr<port::LocalAddresses> addresses,
             std::unique_ptr<port::Socket> front, std::unique_ptr<port::Socket> back)
    : config_(config),
      addresses_(std::move(addresses)),
      front_(std::move(front)),
      back_(std::move(back)),
      client_by_port_(65'536, no_client),
      held_(config.held_max) {
  clients_.reserve(config.clients_max);
  for (unsigned i = 0; i < config.clients_max; ++i) client_by_port_[back_->local(i).port] = i;
  for (std::uint32_t i = config.held_max; i > 0; --i) free_.push_back(i - 1);
  order_.reserve(config.held_max);
}

unsigned Relay::poll(Nanos now) { return take(Direction::up, now) + take(Direction::down, now) + deliver(now); }

void Relay::count_missed() noexcept {
  front_->poll_missed();
  back_->poll_missed();
  for (const Direction direction : {Direction::up, Direction::down}) {
    const port::Socket& from = direction == Direction::up ? *front_ : *back_;
    of(direction).missed = from.counters().drops.value(metrics::Drop::nic_missed);
    of(direction).unsent = towards(direction).counters().drops.total(metrics::DropUnit::out);
  }
}

/// A new client has links of its own, by how many there were before: a place that is used again repeats no history.
Relay::Client Relay::fresh_client(const wire::Path& path, Nanos now) {
  const std::uint64_t number = std::uint64_t{client_count_++} * direction_count;
  return {path,
          now,
          {ImpairedLink{config_.profile[0], config_.seed, number}, {config_.profile[1], config_.seed, number + 1}}};
}

std::uint32_t Relay::client_of(const wire::Path& path, Nanos now) {
  // A look at each: a thousand clients in a line of loads cost less than the system calls of one datagram.
  std::uint32_t longest_silent = no_client;
  for (std::uint32_t i = 0; i < clients_.size(); ++i) {
    Client& client = clients_[i];
    if (wire::same_endpoint(client.path, path) && wire::interface_of(client.path) == wire::interface_of(path)) {
      client.heard = now;
      return i;
    }
    if (longest_silent == no_client || client.heard < clients_[longest_silent].heard) longest_silent = i;
  }
  if (clients_.size() < config_.clients_max) {
    clients_.push_back(fresh_client(path, now));
    return static_cast<std::uint32_t>(clients_.size() - 1);
  }
  if (now - clients_[longest_silent].heard < config_.idle_max) return no_client;
  clients_[longest_silent] = fresh_client(path, now);
  return longest_silent;
}

std::uint32_t Relay::client_at(std::uint16_t local_port) const noexcept {
  const std::uint32_t client = client_by_port_[local_port];
  return client < clients_.size() ? client : no_client;
}

unsigned Relay::take(Direction direction, Nanos now) {
  const bool up = direction == Direction::up;
  port::Socket& socket = up ? *front_ : *back_;
  wire::Batch batch;
  socket.receive(batch, now);
  RelayCounters& counters = of(direction);
  for (unsigned row = 0; row < batch.rows; ++row) {
    ++counters.received;
    counters.received_bytes += batch.length[row];
    const wire::Path& path = batch.path[row];
    const bool known = up || wire::same_endpoint(path, config_.server);
    const std::uint32_t client = !known ? no_client : up ? client_of(path, now) : client_at(path.local_port);
    if (client == no_client || batch.length[row] > datagram_bytes_max)
      ++counters.refused;
    else
      pass(direction, client, batch.data[row], batch.length[row], now);
  }
  const unsigned count = batch.rows;
  socket.release(batch);
  return count;
}

void Relay::pass(Direction direction, std::uint32_t client, const std::uint8_t* data, std::uint16_t bytes, Nanos now) {
  RelayCounters& counters = of(direction);
  const LinkFate fate = clients_[client].links[static_cast<unsigned>(direction)].send(bytes, now);
  if (fate.loss != LinkLoss::none) {
    ++(fate.loss == LinkLoss::lost ? counters.lost : counters.overflowed);
    return;
  }
  counters.reordered += fate.reordered ? 1 : 0;
  counters.duplicated += fate.copies - 1;
  for (unsigned copy = 0; copy < fate.copies; ++copy) {
    if (free_.empty()) {
      ++counters.refused;
      continue;
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Held& held = held_[index];
    held.due = fate.due;
    held.came = now;
    held.number = number_++;
    held.client = client;
    held.bytes = bytes;
    held.direction = direction;
    held.to = clients_[client].path;
    if (bytes != 0) std::memcpy(held.data.data(), data, bytes);
    order_.push_back(index);
    std::push_heap(order_.begin(), order_.end(), [this](std::uint32_t a, std::uint32_t b) { return later(a, b); });
    ++counters.held;
  }
}

bool Relay::later(std::uint32_t a, std::uint32_t b) const noexcept {
  return held_[a].due != held_[b].due ? held_[a].due > held_[b].due : held_[a].number > held_[b].number;
}

unsigned Relay::deliver(Nanos now) {
  std::array<wire::Batch, direction_count> batches;
  unsigned count = 0;
  while (!order_.empty() && held_[order_.front()].due <= now) {
    const std::uint32_t index = order_.front();
    const Held& held = held_[index];
    const auto direction = static_cast<unsigned>(held.direction);
    port::Socket& socket = towards(held.direction);
    wire::Batch& batch = batches[direction];
    if (batch.rows == wire::Batch::capacity) socket.transmit(batch, now);
    wire::Buffer buffer;
    if (socket.acquire({&buffer, 1}) != 1) break;  // the kernel has them all: the next poll finds some
    if (held.bytes != 0) std::memcpy(buffer.data, held.data.data(), held.bytes);
    wire::Path to = held.direction == Direction::up ? config_.server : held.to;
    to.local_port = held.direction == Direction::up ? back_->local(held.client).port : std::uint16_t{0};
    batch.append(buffer.data, held.bytes, buffer.owner, to);
    RelayCounters& counters = of(held.direction);
    --counters.held;
    ++counters.delivered;
    counters.delivered_bytes += held.bytes;
    counters.delay.record(now - held.came);
    std::pop_heap(order_.begin(), order_.end(), [this](std::uint32_t a, std::uint32_t b) { return later(a, b); });
    order_.pop_back();
    free_.push_back(index);
    ++count;
  }
  for (const Direction direction : {Direction::up, Direction::down}) {
    wire::Batch& batch = batches[static_cast<unsigned>(direction)];
    if (batch.rows != 0) towards(direction).transmit(batch, now);
  }
  return count;
}

}  // namespace serried::tools
