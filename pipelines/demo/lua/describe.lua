-- Says in words what the numbers of an earthquake mean.
local classes = {
  {8, "great"}, {7, "major"}, {6, "strong"}, {5, "moderate"}, {4, "light"}, {3, "minor"},
}
local km_per_mile = 1.609344

local function class_of(magnitude)
  for _, class in ipairs(classes) do
    if magnitude >= class[1] then return class[2] end
  end
  return "micro"
end

-- 70 km and 300 km are where seismologists draw the lines.
local function depth_of(km)
  return km < 70 and "shallow" or km < 300 and "intermediate" or "deep"
end

return {
  name = "describe",
  version = "1.0.0",
  options = {
    unit = {type = "enum", choices = {"km", "mi"}, default = "km", help = "of the depth in the words"},
  },
  create = function(stage)
    return {unit = stage.options.unit, strong = stage.counter("strong")}
  end,
  each = function(self, record)
    local quake = record.json
    if not quake.place then return record:reject("no_place", "the field place is missing") end
    local depth = self.unit == "mi" and quake.depth / km_per_mile or quake.depth
    quake.class = class_of(quake.mag)
    quake.words = ("%s %s earthquake, %.0f %s deep, %s"):format(
      depth_of(quake.depth), quake.class, depth, self.unit, quake.place)
    quake.gigajoule = math.floor(10 ^ (1.5 * quake.mag + 4.8) / 1e7) / 100 -- radiated, after Gutenberg and Richter
    if quake.mag >= 6 then self.strong:add(1) end
  end,
}
