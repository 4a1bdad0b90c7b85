-- The highest packet rate without loss (RFC 2544 26.1), found by Pktgen-DPDK: a sweep over its rates, then a bisection of
-- the interval in which the losses begin. Runs in Pktgen from 23 to 26:
--
--     SERRIED_PKTGEN=settings.lua pktgen -l 0-2 -a 0000:03:00.0 -- -P -m "[1:2].0" -f scripts/pktgen/throughput.lua
--
-- settings.lua returns a table; what it leaves out is as below. docs/bare-metal.md, Packet rate, says how a machine is
-- set up for it. scripts/pktgen/measure --merge shows the answer beside the other means.

local settings = {
  port = 0,               -- of Pktgen, that sends
  back = nil,             -- its port to which the device under test returns every frame; none: see status
  status = nil,           -- a command that prints the JSON of `serried-ctl status --json`: what the server has taken
  seconds = 10,           -- of each trial
  settle_seconds = 2,     -- after it: what is on its way arrives, and the counters are brought up to date once a second
  most = 100,             -- per cent of the link's rate: the highest that is offered
  least_step = 0.01,      -- per cent: a narrower interval is not divided
  steps = 5,              -- loads of the sweep
  refine = 8,             -- trials of the bisection at most
  short = 0.02,           -- a sender that is so much slower than at the loads before, for what it is asked, cannot do it
  traffic = "udp",        -- or "pcap": the file that Pktgen was given (-s PORT:FILE), as serried-swarm --write-pcap makes it
  frame_bytes = 136,      -- of UDP frames, CRC left out; a player's datagram with three inputs
  source_ip = "198.18.0.1", destination_ip = "10.77.0.1", source_port = 20000, destination_port = 40000,
  destination_mac = nil,  -- none: what Pktgen knows by ARP, or its own idea
  answer = "pktgen.json",
}

-- What a port has counted. Pktgen 26 takes the ports alone, and has the device's counters under `curr`; 23 to 25 also want
-- to be told which counters, refuse a call without, and have them in the port's table itself.
local function counters(port)
  local list = tostring(port)
  local newer, stats = pcall(pktgen.portStats, list)
  if newer then
    stats = stats[port].curr
  elseif string.find(stats, "wrong number of arguments", 1, true) then
    stats = pktgen.portStats(list, "port")[port]
  else
    error(stats, 0)
  end
  return { sent = stats.opackets, received = stats.ipackets,
           nic_missed = stats.imissed + stats.rx_nombuf + stats.ierrors, sender_errors = stats.oerrors }
end

-- What the device under test has taken so far, and its drops by reason.
local function taken()
  if settings.status == nil then
    local stats = counters(settings.back)
    return stats.received, { nic_missed = stats.nic_missed }
  end
  local pipe = assert(io.popen(settings.status))
  local text = pipe:read("a")
  pipe:close()
  local frames = tonumber(string.match(text, '"rx_frames"%s*:%s*(%d+)'))
  if frames == nil then error("no rx_frames in what `" .. settings.status .. "` printed: " .. text) end
  local drops = {}
  for reason, count in string.gmatch(string.match(text, '"drops"%s*:%s*(%b{})') or "", '"([%w_]+)"%s*:%s*(%d+)') do
    drops[reason] = tonumber(count)
  end
  -- What the NIC missed is counted as received and dropped.
  return frames - (drops.nic_missed or 0), drops
end

local function describe_traffic(port)
  if settings.traffic == "pcap" then
    pktgen.pcap(port, "on")
    return
  end
  pktgen.set(port, "size", settings.frame_bytes + 4)  -- Pktgen counts the CRC
  pktgen.set_type(port, "ipv4")
  pktgen.set_proto(port, "udp")
  pktgen.set_ipaddr(port, "src", settings.source_ip .. "/32")
  pktgen.set_ipaddr(port, "dst", settings.destination_ip)
  pktgen.set(port, "sport", settings.source_port)
  pktgen.set(port, "dport", settings.destination_port)
  if settings.destination_mac ~= nil then pktgen.set_mac(port, "dst", settings.destination_mac) end
end

-- Frames a second that a per cent of the rate has been worth so far, at its best.
local worth = 0

local function trial(rate)
  local port = tostring(settings.port)
  pktgen.set(port, "rate", rate)
  local sent_before, taken_before, drops_before = counters(settings.port).sent, taken()
  pktgen.start(port)
  pktgen.delay(math.floor(settings.seconds * 1000))
  pktgen.stop(port)
  pktgen.delay(math.floor(settings.settle_seconds * 1000))
  local taken_after, drops_after = taken()
  local sent = counters(settings.port).sent - sent_before
  local came = taken_after - taken_before
  local point = { rate = rate, seconds = settings.seconds, offered_pps = sent / settings.seconds,
                  carried_pps = came / settings.seconds, lost = math.max(sent - came, 0), drops = {}, short = false }
  for reason, count in pairs(drops_after) do
    local more = count - (drops_before[reason] or 0)
    if more > 0 then point.drops[reason] = more end
  end
  point.short = sent == 0 or point.offered_pps / rate < (1 - settings.short) * worth
  worth = math.max(worth, point.offered_pps / rate)
  print(string.format("%7.3f %%  offered %12.0f /s  carried %12.0f /s  lost %d%s", rate, point.offered_pps,
                      point.carried_pps, point.lost, point.short and "  (the sender could not offer more)" or ""))
  return point
end

local function passed(point) return point.lost == 0 and not point.short end

local function search()
  local points, low, high = {}, 0, nil
  for step = 1, settings.steps do
    local point = trial(settings.most * step / settings.steps)
    points[#points + 1] = point
    if passed(point) then low = point.rate end
  end
  -- A loss below a load that passed is a disturbance: what counts is where the losses begin for good.
  for _, point in ipairs(points) do
    if point.rate > low and (high == nil or point.rate < high) then high = point.rate end
  end
  for _ = 1, settings.refine do
    if high == nil or high - low < 2 * settings.least_step then break end
    local point = trial((low + high) / 2)
    points[#points + 1] = point
    if passed(point) then low = point.rate else high = point.rate end
  end
  return points
end

local function json(value)
  if type(value) ~= "table" then
    return type(value) == "string" and string.format("%q", value) or tostring(value)
  end
  local parts = {}
  if #value > 0 then
    for _, each in ipairs(value) do parts[#parts + 1] = json(each) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = string.format("%q: %s", name, json(value[name])) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function main()
  local file = os.getenv("SERRIED_PKTGEN")
  if file ~= nil then
    for name, value in pairs(assert(loadfile(file))()) do settings[name] = value end
  end
  if settings.back == nil and settings.status == nil then
    error("say where the frames are to be counted: `back`, the port to which they return, or `status`, a command")
  end
  local port = tostring(settings.port)
  pktgen.screen("off")
  pktgen.stop(port)
  pktgen.set(port, "count", 0)  -- until stopped
  describe_traffic(port)
  local points = search()
  local answer = assert(io.open(settings.answer, "w"))
  answer:write(json({ means = "pktgen", version = tostring(pktgen.info.Pktgen_Version), traffic = settings.traffic,
                      points = points }), "\n")
  answer:close()
end

local fine, fault = pcall(main)
if not fine then print("throughput.lua: " .. tostring(fault)) end
pktgen.stop(tostring(settings.port))
pktgen.quit()
