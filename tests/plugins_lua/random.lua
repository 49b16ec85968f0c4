-- Random changes of a JSON value, made to a plain Lua table alike (test_lua_random.c).
-- The table: objects are {o = {name = value}}, arrays {a = {value, ...}, n = length}, null is NULL.
local NULL = setmetatable({}, {__name = 'null'})
local random = math.random
local function model(v)
  if weir.type(v) == 'object' then
    local o = {}
    for k, x in pairs(v) do if o[k] == nil then o[k] = x == nil and NULL or model(x) end end
    return {o = o}
  elseif weir.type(v) == 'array' then
    local a, n = {}, 0
    for i, x in ipairs(v) do n = i a[i] = x == nil and NULL or model(x) end
    assert(n == #v, 'length')
    return {a = a, n = n}
  end
  return v
end
local function clone(m)
  if type(m) ~= 'table' or m == NULL then return m end
  local c = m.o and {o = {}} or {a = {}, n = m.n}
  for k, x in pairs(m.o or m.a) do (c.o or c.a)[k] = clone(x) end
  return c
end
local function plain(m)
  if m == NULL then return weir.null end
  if type(m) ~= 'table' then return m end
  local t = m.o and {} or weir.array{}
  for k, x in pairs(m.o or m.a) do t[k] = plain(x) end
  return t
end
local function same(v, m, path)
  if m == NULL then m = nil end
  if type(m) ~= 'table' then return assert(v == m and math.type(v) == math.type(m), path) end
  if m.o then
    assert(weir.type(v) == 'object', path)
    local count = 0
    for k, x in pairs(m.o) do count = count + 1 same(v[k], x, path .. '.' .. k) end
    local seen, names = 0, {}
    for k in pairs(v) do if not names[k] then names[k] = true seen = seen + 1 end assert(m.o[k] ~= nil, path .. '+' .. k) end
    assert(seen == count, path .. '#')
  else
    assert(weir.type(v) == 'array' and #v == m.n, path .. ' length')
    for i = 1, m.n do same(v[i], m.a[i], path .. '[' .. i .. ']') end
  end
end
local names = {'a', 'b', 'c', 'd', 'e f', '\u{e9}', '"q"', ''}
local function name() return names[random(#names)] end
local function fresh(depth)
  local kind = random(depth > 2 and 5 or 7)
  if kind == 1 then return random(-5, 5) elseif kind == 2 then return random() elseif kind == 3 then return random(2) == 1
  elseif kind == 4 then return name() .. random(9) elseif kind == 5 then return NULL end
  local m = kind == 6 and {o = {}} or {a = {}, n = random(0, 3)}
  if m.o then for _ = 1, random(0, 3) do m.o[name()] = fresh(depth + 1) end else for i = 1, m.n do m.a[i] = fresh(depth + 1) end end
  return m
end
local function walk(v, m)
  for _ = 1, random(0, 4) do
    local options = {}
    for k, x in pairs(m.o or m.a) do if type(x) == 'table' and x ~= NULL then options[#options + 1] = k end end
    if #options == 0 then break end
    table.sort(options)
    local k = options[random(#options)]
    v, m = v[k], (m.o or m.a)[k]
  end
  return v, m
end
local function holds_null(a) for _, x in ipairs(a) do if x == NULL then return true end end end
local function change(root, top)
  local v, m = walk(root, top)
  local kind = random(8)
  if kind == 1 and m.o then local k = name() v[k] = nil m.o[k] = nil
  elseif kind == 2 and m.a and m.n > 0 then v[#v] = nil m.a[m.n] = nil m.n = m.n - 1
  elseif kind == 3 then
    local from, model_from = walk(root, top)
    local copy = clone(model_from)
    if m.o then local k = name() v[k] = from m.o[k] = copy else v[#v + 1] = from m.n = m.n + 1 m.a[m.n] = copy end
  elseif kind == 4 and m.o then
    local k, l = name(), name()
    local there = m.o[k]
    if there == nil or there == NULL or type(there) == 'table' and there.o then
      v[k][l] = 1
      if there == nil or there == NULL then there = {o = {}} m.o[k] = there end
      there.o[l] = 1
    end
  elseif kind == 5 and m.a and not holds_null(m.a) then local x = random(99) table.insert(v, 1, x) table.insert(m.a, 1, x) m.n = m.n + 1
  else
    local x = fresh(0)
    if m.o then local k = name() v[k] = plain(x) m.o[k] = x
    else local i = random(m.n + 1) v[i] = plain(x) m.a[i] = x if i > m.n then m.n = i end end
  end
end
return {each = function(self, record)
  math.randomseed(record.offset)
  local top = model(record.json)
  for round = 1, 12 do
    if random(4) == 1 then record.value = record.value end
    for _ = 1, random(3) do change(record.json, top) end
    if random(2) == 1 then same(record.json, top, 'json') end
  end
  same(record.json, top, 'json')
  record.value = record.value
  same(record.json, top, 'read again')
end}
