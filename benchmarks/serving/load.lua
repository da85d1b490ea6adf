-- POST the bodies of a file, one a line, in turn; print the figures as one line of JSON at the end.
-- wrk ... -s load.lua URL -- BODIES
local requests, count, place = {}, 0, 0

function init(args)
  for body in io.lines(args[1]) do
    count = count + 1
    requests[count] = wrk.format("POST", wrk.path, { ["Content-Type"] = "application/json" }, body)
  end
end

function request()
  place = place % count + 1
  return requests[place]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '\nJSON{"answered": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "refused": %d, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    e.status, e.connect + e.read + e.write + e.timeout))
end
