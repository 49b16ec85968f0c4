# The USGS GeoJSON as JSON lines, one earthquake each: its id, its properties without the lists and links that no stage needs, and its
# coordinates as three plain numbers.
#   jq -c -f convert.jq earthquakes.json >quakes.jsonl
.features[]
| {id}
  + (.properties | del(.types, .url, .ids, .sources, .title))
  + (.geometry.coordinates | {longitude: .[0], latitude: .[1], depth: .[2]})
