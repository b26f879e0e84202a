#pragma once
#include <stdio.h>
#include <stdlib.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "espalier/recorder.h"

/** A manager and a broker for the ring's simulations: it reads what the node sent, holds every promise against it, and answers as the wire
 *  contract's manager does (§2, §3). For this machine only. */
namespace espalier {
namespace test {

[[noreturn]] inline void broken(const char* promise, const std::string& shown) {
  printf("BROKEN %s: %s\n", promise, shown.c_str());
  exit(1);
}
inline void must(bool holds, const char* promise, const std::string& shown) {
  if (!holds) broken(promise, shown);
}

/** Reads our encoder's own form; that it is the contract's form is for the reference decoder to say. */
class Reader {
 public:
  explicit Reader(Text text) : text_(text.data, text.size) {}
  bool skip(const std::string& what) {
    if (text_.compare(at_, what.size(), what) != 0) return false;
    at_ += what.size();
    return true;
  }
  void need(const std::string& what) { must(skip(what), "the form of a message", text_.substr(at_, 60)); }
  std::string upTo(char end) {
    const size_t found = text_.find(end, at_);
    must(found != std::string::npos, "the form of a message", text_);
    const std::string part = text_.substr(at_, found - at_);
    at_ = found;
    return part;
  }
  uint32_t number(char end) { return static_cast<uint32_t>(strtoull(upTo(end).c_str(), nullptr, 10)); }
  [[nodiscard]] bool done() const { return at_ == text_.size(); }

 private:
  std::string text_;
  size_t at_ = 0;
};

using Key = std::pair<uint32_t, uint32_t>;

/** What the node's own world knows to be true of a reading. `unixMs` 0: it was taken without a clock. */
struct Truth {
  std::string sensors;
  uint64_t takenMs = 0;
  int64_t unixMs = 0;
};

class Manager {
 public:
  struct Counts {
    uint32_t messages = 0;
    uint32_t readings = 0;
    uint32_t twice = 0;
    uint32_t batches = 0;
    uint32_t mostInBatch = 0;
  };

  /** Every reading ever taken; what arrives must be one of them. */
  std::map<Key, Truth> taken;
  /** What arrived first under this name, to the letter. */
  std::map<Key, std::string> arrived;
  std::map<std::string, Key> times;
  std::set<Key> lost;
  /** Answers with a reject, as if it could not read them. */
  std::set<Key> unreadable;
  Counts counts;
  /** How far a reading's own time may be from the truth. */
  int64_t toleranceMs = 8;

  void birth(uint32_t boot) { latest_ = boot; }

  /** A message came through. */
  void receive(Text payload) {
    Reader reader(payload);
    reader.need("{\"node_id\":\"node_01\",\"boot\":");
    const uint32_t boot = reader.number(',');
    reader.need(",\"seq\":");
    uint32_t seq = reader.number(',');
    reader.need(",\"oldest\":{\"boot\":");
    const uint32_t oldestBoot = reader.number(',');
    reader.need(",\"seq\":");
    const uint32_t oldestSeq = reader.number('}');
    must(oldestBoot != boot || oldestSeq <= seq, "oldest is never ahead", std::string(payload.data, payload.size));
    reader.need("},");
    counts.messages++;
    if (reader.skip("\"readings\":[")) {
      uint32_t count = 0;
      do {
        reader.need("{");
        one(reader, boot, seq++);
        reader.need("}");
        count++;
      } while (reader.skip(","));
      reader.need("]}");
      must(count <= contract::kReadings, "a batch is not too long", std::to_string(count));
      counts.batches++;
      if (count > counts.mostInBatch) counts.mostInBatch = count;
    } else {
      one(reader, boot, seq);
      reader.need("}");
    }
    must(reader.done(), "the form of a message", std::string(payload.data, payload.size));
    oldest(oldestBoot, oldestSeq);
  }

  /** What is settled, of the boots that spoke: all in turn where they are more than a receipt holds. */
  void receipts(Receipts& out) {
    out.count = 0;
    turn_ = seen_.size() > contract::kReceiptEntries ? (turn_ + 1) % seen_.size() : 0;
    auto boot = seen_.rbegin();
    for (size_t i = 0; i < turn_; i++) ++boot;
    for (; boot != seen_.rend() && out.count < contract::kReceiptEntries; ++boot) {
      Receipt& entry = out.entries[out.count++];
      uint32_t& next = next_[boot->first];
      while (settled({boot->first, next})) next++;
      entry.boot = boot->first;
      entry.settled = next > 0;
      entry.seq = next == 0 ? 0 : next - 1;
      entry.seen = boot->second > entry.seq ? boot->second : entry.seq;
      entry.rejected = 0;
    }
  }

 private:
  void one(Reader& reader, uint32_t boot, uint32_t seq) {
    const Key key(boot, seq);
    const std::string name = std::to_string(boot) + ":" + std::to_string(seq);
    reader.need("\"timestamp\":");
    const std::string time = reader.upTo(',');
    reader.need(",\"sensors\":");
    std::string body = reader.upTo('}');
    reader.need("},\"wifi_rssi\":-65,\"uptime\":");
    body += "}";
    const auto truth = taken.find(key);
    must(truth != taken.end(), "only what was taken is sent", name);
    must(truth->second.sensors == body, "values are as taken", name + " " + body + " not " + truth->second.sensors);
    const uint32_t uptime = reader.number('}');
    must(uptime == truth->second.takenMs / 1000 || uptime == (truth->second.takenMs + 7) / 1000, "uptime", name);
    const double seconds = strtod(time.c_str(), nullptr);
    must(seconds > 1577836800.0, "nobody sends 1970", name + " " + time);
    if (truth->second.unixMs != 0) {
      const double off = seconds * 1000 - static_cast<double>(truth->second.unixMs);
      must(off >= -0.5 && off <= static_cast<double>(toleranceMs), "it has its own time", name + " " + time + " " + std::to_string(off));
    }
    counts.readings++;
    seen_[boot] = seen_[boot] > seq ? seen_[boot] : seq;
    if (unreadable.count(key) > 0) return;
    const auto before = arrived.find(key);
    if (before != arrived.end()) {
      counts.twice++;
      must(before->second == time + body, "sent once, it never changes", name + " " + before->second + " then " + time + body);
      return;
    }
    const auto sameTime = times.find(time);
    must(sameTime == times.end(), "no two share a millisecond", name + " " + time);
    times[time] = key;
    arrived[key] = time + body;
    lost.erase(key);
  }

  void oldest(uint32_t boot, uint32_t seq) {
    std::pair<uint32_t, uint32_t>& known = oldest_[boot];
    if (known.second == 0 || known.first < seq) known = {seq, 1};
    if (boot != latest_) return;
    for (auto& other : seen_) {
      if (other.first != boot) over_.insert(other.first);
    }
  }

  bool settled(Key key) {
    if (arrived.count(key) > 0) return true;
    const auto oldest = oldest_.find(key.first);
    const bool gone = oldest != oldest_.end() && oldest->second.second > 0 && key.second < oldest->second.first;
    const bool over = over_.count(key.first) > 0 && key.second <= seen_[key.first];
    if (gone || over) lost.insert(key);
    return gone || over;
  }

  uint32_t latest_ = 0;
  size_t turn_ = 0;
  std::map<uint32_t, uint32_t> seen_;
  std::map<uint32_t, uint32_t> next_;
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> oldest_;
  std::set<uint32_t> over_;
};

}  // namespace test
}  // namespace espalier
