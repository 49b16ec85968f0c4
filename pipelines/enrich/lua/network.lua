-- Joins each record with the row of networks.csv that has its `net`.
local function by_code(rows)
  local networks = {}
  for _, row in ipairs(rows) do networks[row.code] = row end
  return networks
end

return {
  name = "network",
  version = "1.0.0",
  options = {
    file = {type = "string", default = "networks.csv", help = "columns code, name and place, in the pipeline's folder"},
    unknown = {type = "enum", choices = {"reject", "keep"}, default = "keep", help = "what to do with a network that is not in the file"},
  },
  create = function(stage)
    return {networks = by_code(weir.load(stage.options.file)), unknown = stage.options.unknown}
  end,
  each = function(self, record)
    local net = record.json.net
    local network = self.networks[net or ""]
    if network then
      record.json.network = {name = network.name, place = network.place}
    elseif self.unknown == "reject" then
      record:reject("unknown_network", net and ("no row for '%s'"):format(net) or "the field net is missing")
    end
  end,
}
