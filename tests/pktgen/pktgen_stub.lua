-- Stands in for Pktgen-DPDK: runs a script with the `pktgen` table of one of its versions, over a model of a wire with a
-- device under test at its other end. What a version does not have, or is called otherwise than it can be, is an error.
--
--     MODEL=model.lua lua5.4 pktgen_stub.lua VERSION SCRIPT
--
-- model.lua returns a table:  capacity_pps (that the device under test takes), sender_pps (that Pktgen can send at most).
-- A log of what was set is printed as lines `stub NAME ARGUMENTS`.

local version, script = arg[1], arg[2]
local major = tonumber(version:match("%d+"))
local model = dofile(os.getenv("MODEL"))
local link_bps = 10e9

-- Frames, by virtual time in ms. Pktgen reads the device's counters once a second.
local now, started, rate, size, pcap = 0, nil, 100, 64, false
local total = { sent = 0, taken = 0, missed = 0 }
local read = { sent = 0, taken = 0, missed = 0 }

local function pps()
  local bytes = pcap and 140 or size  -- of the wire, the CRC in it
  return math.min(link_bps * rate / 100 / ((bytes + 20) * 8), model.sender_pps)
end

local function pass(ms)
  for _ = 1, ms do
    now = now + 1
    if started then
      local frames = pps() / 1000
      local taken = math.min(frames, model.capacity_pps / 1000)
      total.sent, total.taken = total.sent + frames, total.taken + taken
      total.missed = total.missed + frames - taken
    end
    if now % 1000 == 0 then read = { sent = total.sent, taken = total.taken, missed = total.missed } end
  end
end

local function refuse(...) error("stub: " .. string.format(...), 3) end

local function ports(value)
  if type(value) ~= "string" or not value:match("^[%d,%-]+$") then refuse("no list of ports: %s", tostring(value)) end
  if value ~= "0" and value ~= "1" then refuse("no port %s here", value) end
  return tonumber(value)
end

-- A function of Pktgen with so many arguments, each of a type; `doing` gets them.
local function taking(name, types, doing)
  return function(...)
    local given = { ... }
    if #given ~= #types then refuse("%s, wrong number of arguments", name) end
    for i, wanted in ipairs(types) do
      if wanted == "ports" then ports(given[i])
      elseif type(given[i]) ~= wanted and not (wanted == "string" and type(given[i]) == "number") then
        refuse("%s: argument %d is no %s", name, i, wanted)
      end
    end
    if name ~= "delay" and name ~= "portStats" then print("stub " .. name .. " " .. table.concat(given, " ")) end
    return doing and doing(...)
  end
end

local settable = { count = true, size = true, rate = true, burst = true, sport = true, dport = true, ttl = true, prime = true,
                   seq_cnt = true, dump = true }
if major >= 26 then settable.txburst, settable.rxburst = true, true end

local function whole(number) return math.floor(number + 0.5) end

local function device_counters(port)
  local one = port == 0
  return { ipackets = one and 0 or whole(read.taken), opackets = one and whole(read.sent) or 0, ibytes = 0, obytes = 0,
           ierrors = 0, oerrors = 0, rx_nombuf = 0, imissed = 0 }
end

local port_stats
if major >= 26 then
  port_stats = taking("portStats", { "ports" }, function(list)
    return { [ports(list)] = { curr = device_counters(ports(list)), ext = {}, sizes = {}, qstats = {} }, n = 1 }
  end)
else
  port_stats = taking("portStats", { "ports", "string" }, function(list, kind)
    if kind ~= "port" and kind ~= "rate" then refuse("portStats: no kind %s", kind) end
    return { [ports(list)] = device_counters(ports(list)), n = 1 }
  end)
end

local function ip(text, with_mask)
  local pattern = "^%d+%.%d+%.%d+%.%d+" .. (with_mask and "/%d+$" or "$")
  if not text:match(pattern) then refuse("no address: %s", text) end
end

pktgen = {
  info = { Pktgen_Version = version },
  screen = taking("screen", { "string" }),
  set = taking("set", { "ports", "string", "number" }, function(_, what, value)
    if not settable[what] then refuse("set does not support %s", what) end
    if what == "rate" then
      if value <= 0 or value > 100 then refuse("no rate: %s", value) end
      rate = value
    elseif what == "size" then
      size = value
    end
  end),
  set_type = taking("set_type", { "ports", "string" }),
  set_proto = taking("set_proto", { "ports", "string" }),
  set_ipaddr = taking("set_ipaddr", { "ports", "string", "string" }, function(_, which, text) ip(text, which == "src") end),
  set_mac = taking("set_mac", { "ports", "string", "string" }),
  pcap = taking("pcap", { "ports", "string" }, function(_, state) pcap = state == "on" end),
  start = taking("start", { "ports" }, function() started = now end),
  stop = taking("stop", { "ports" }, function() started = nil end),
  delay = taking("delay", { "number" }, function(ms)
    if math.type(ms) ~= "integer" then refuse("delay: no whole number of ms: %s", ms) end
    pass(ms)
  end),
  portStats = port_stats,
  quit = taking("quit", {}),
}
if major < 26 then pktgen.pktStats = taking("pktStats", { "ports" }, function() refuse("pktStats is gone in 26") end) end
setmetatable(pktgen, { __index = function(_, name) refuse("Pktgen %s has no %s", version, name) end })

-- `serried-ctl status --json`, as the model has it: a server that refuses all it takes.
local open = io.popen
io.popen = function(command)
  if command ~= "stub-status" then return open(command) end
  local text = string.format('{"status": {"port": {"rx_frames": %d, "rx_packets": 1}, "drops": {"bad_crc": %d%s}, "bans": 0}}',
                             whole(total.sent), whole(total.taken),
                             total.missed >= 0.5 and string.format(', "nic_missed": %d', whole(total.missed)) or "")
  return { read = function() return text end, close = function() end }
end

dofile(script)
