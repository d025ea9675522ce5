-- Posts one image again and again, for wrk, which prints requests per second and the percentiles of latency:
--   IMAGE=some/image.png wrk --threads 2 --connections 8 --duration 15s --latency --script samples/WebApp/load.lua http://localhost:5000/predict
-- Above it lists the answers that were not 2xx or 3xx, if any: a figure counts only without them.
local file = assert(io.open(os.getenv("IMAGE") or error("Set IMAGE to an image file."), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/octet-stream"
file:close()
