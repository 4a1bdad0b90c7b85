#pragma once
/// Several io lanes on one thread, each with a port and players of its own, polled in turn: what a datagram costs as
/// lanes and load grow together, and what one costs that comes to the wrong lane.
///
///     players of lane i -> far port i ~ near port i -> lane i                      direct
///     players of lane i -> far port i ~ near port j -> lane j -> ring -> lane i    handed over, answered by lane i

#include <memory>
#include <string>
#include <vector>

#include "establish.h"
#include "memory_port.h"

namespace serried::bench {

using ScalingBed = Bed<MemoryPort, MemoryPort, io::NoProbe>;

class IoLanes {
 public:
  IoLanes(unsigned lanes, unsigned sessions) : mesh_(lanes), pool_(lanes * buffers_per_lane) {
    for (unsigned i = 0; i < lanes; ++i) {
      near_.push_back(std::make_unique<MemoryPort>(pool_, port::ipv4_address(10, 0, 0, 1), 40'000));
      far_.push_back(std::make_unique<MemoryPort>(pool_, port::ipv4_address(10, 0, 0, 2), 20'000));
      near_[i]->connect(*far_[i]);
      far_[i]->connect(*near_[i]);
      BedOptions options;
      options.lane = i;
      options.sessions = sessions;
      beds_.push_back(std::make_unique<ScalingBed>(*near_[i], *far_[i], near_[i]->local(), options));
      beds_[i]->lane.attach(mesh_.links_of(i));
    }
  }

  Result<Done> let_in() {
    std::vector<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < 256; ++i) ports.push_back(static_cast<std::uint16_t>(20'000 + i));
    for (std::size_t i = 0; i < beds_.size(); ++i) {
      const auto& bed = beds_[i];
      Establisher establisher(*bed, near_[i]->local(), ports);
      if (const auto done = establisher.run(); !done) return done.error();
      bed->shuffle();
      bed->inputs = bed->sent_inputs = bed->bodies = bed->sent_bodies = bed->plans_acked = 0;
    }
    return Done{};
  }

  /// A chunk in and a chunk out at each lane, of its own players.
  void direct(unsigned body_bytes, Piece& in, Piece& out) {
    for (auto& bed : beds_) {
      const auto who = bed->next_chunk();
      bed->receive(who, Kind::valid, in);
      bed->send(who, body_bytes, out);
    }
  }

  /// A chunk in at each lane, all of it of the next lane's players; then answers, so that acks go on. Precondition:
  /// there are several lanes.
  void handed_over(unsigned body_bytes, Piece& in, Piece& out) {
    const auto lanes = static_cast<unsigned>(beds_.size());
    std::vector<std::span<const std::uint32_t>> who;
    std::uint64_t goal = 0;
    for (unsigned i = 0; i < lanes; ++i) {
      ScalingBed& bed = *beds_[i];
      who.push_back(bed.next_chunk());
      bed.now += second / 60 * who[i].size() / bed.crowd.size();  // every player sends 60 times a second
      far_[i]->connect(*near_[(i + lanes - 1) % lanes]);
      bed.crowd.send(who[i], Kind::valid, bed.now);
      bed.sent_inputs += who[i].size();
      far_[i]->connect(*near_[i]);
      goal += who[i].size();
    }
    goal += delivered();
    in.watch.start();
    for (unsigned idle = 0; delivered() < goal && idle < patience;) {
      unsigned done = 0;
      for (auto& bed : beds_) done += bed->lane.poll(bed->now);
      idle = done == 0 ? idle + 1 : 0;
    }
    in.watch.stop();
    for (unsigned i = 0; i < lanes; ++i) {
      in.packets += who[i].size();
      beds_[i]->drain();
      beds_[i]->send(who[i], body_bytes, out);
    }
  }

  /// Whether everything that went in came out, as sentences.
  void check(const std::string& what, std::vector<std::string>& problems) const {
    for (std::size_t i = 0; i < beds_.size(); ++i) {
      const ScalingBed& bed = *beds_[i];
      const auto complain = [&](const std::string& text) {
        problems.push_back(std::string(what).append(", lane ").append(std::to_string(i)).append(": ").append(text));
      };
      if (bed.crowd.wrong != 0) complain(std::to_string(bed.crowd.wrong) + " datagrams were not as they should be");
      if (bed.inputs != bed.sent_inputs)
        complain(std::to_string(bed.sent_inputs) + " inputs in, " + std::to_string(bed.inputs) + " out");
      if (bed.bodies != bed.sent_bodies)
        complain(std::to_string(bed.sent_bodies) + " bodies in, " + std::to_string(bed.bodies) + " out");
      for (const metrics::Drop drop : {metrics::Drop::handover_ring_full, metrics::Drop::unknown_session,
                                       metrics::Drop::foreign_source, metrics::Drop::session_rate})
        if (bed.lane.counters().drops.value(drop) != 0) complain("drops " + std::string(metrics::drop_name(drop)));
    }
  }
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t sum = 0;
    for (const auto& bed : beds_) sum += bed->hash.value() + bed->crowd.hash.value();
    return sum;
  }
  [[nodiscard]] std::uint64_t handed() const {
    std::uint64_t sum = 0;
    for (const auto& bed : beds_) sum += bed->lane.counters().handed_over.value();
    return sum;
  }

 private:
  static constexpr unsigned buffers_per_lane = 16'384;
  static constexpr unsigned patience = 10'000;

  [[nodiscard]] std::uint64_t delivered() const {
    std::uint64_t sum = 0;
    for (const auto& bed : beds_) sum += bed->lane.counters().delivered.value();
    return sum;
  }

  io::HandoverMesh mesh_;
  port::BufferPool pool_;
  std::vector<std::unique_ptr<MemoryPort>> near_, far_;
  std::vector<std::unique_ptr<ScalingBed>> beds_;
};

}  // namespace serried::bench
