// The site on Node's own http, https and http2. node.py starts it, with its order as JSON.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import zlib from "node:zlib";

const order = JSON.parse(process.argv[2]);
const [plain, text, large] = ["plain", "text", "large"].map((name) => readFileSync(`${order.site}/${name}`));
const pem = readFileSync(order.pem);
const CODINGS = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, zstd: zlib.zstdCompressSync };
const [PIECE, PIECES, PAUSE, STEP, STALLED] = ["drip ", 4, 25, 4096, 1024 * 1024]; // as in site.py

const whole = (body, headers = {}) => (request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length, ...headers });
  response.end(body);
};

const bare = (status, headers) => (request, response) => response.writeHead(status, headers).end();

const coded = (request, response) => {
  const accepted = (request.headers["accept-encoding"] ?? "").split(/\s*,\s*/);
  const coding = accepted.find((name) => name in CODINGS);
  if (coding) whole(CODINGS[coding](text), { "Content-Encoding": coding })(request, response);
  else whole(text)(request, response);
};

const pieces = (request, response) => {
  for (let start = 0; start < text.length; start += STEP) response.write(text.subarray(start, start + STEP));
  response.end();
};

const trailers = (request, response) => {
  response.setHeader("Trailer", "X-Stops");
  response.write(text);
  response.addTrailers({ "X-Stops": "2000" });
  response.end();
};

const slow = (request, response, left = PIECES) => {
  if (left === 0) return response.end();
  response.write(PIECE);
  setTimeout(slow, PAUSE, request, response, left - 1);
};

const stalled = (request, response) => {
  response.writeHead(200, { "Content-Length": STALLED });
  response.write(text);
};

const upload = (request, response) => {
  const digest = createHash("sha256");
  let size = 0;
  request.on("data", (data) => { size += data.length; digest.update(data); });
  request.on("end", () => response.end(`${size} ${digest.digest("hex")}`));
};

const last = (request, response) =>
  whole(plain, request.httpVersionMajor === 1 ? { Connection: "close" } : {})(request, response);

const site = {
  "/plain": whole(plain),
  "/text": coded,
  "/large": whole(large),
  "/pieces": pieces,
  "/trailers": trailers,
  "/slow": slow,
  "/stalled": stalled,
  "/empty": bare(204, {}),
  "/unchanged": bare(304, { ETag: '"1"', "Content-Length": plain.length }), // allowed, and a trap (RFC 9112 6.3)
  "/last": last,
  "/upload": upload,
  "/refused": bare(413, { "Content-Length": 0 }),
};

const MEMORY = { maxSessionMemory: 100 }; // megabytes; beyond it, a session of HTTP/2 takes no further stream
const MAKE = {
  plain: http.createServer,
  tls: (handler) => http2.createSecureServer({ ...MEMORY, key: pem, cert: pem, allowHTTP1: true }, handler),
  h2c: (handler) => http2.createServer(MEMORY, handler),
};

// A session of HTTP/2 is ended by GOAWAY; what is under way on it still comes to its end.
const mannered = {
  steady: () => {},
  impatient: (server) => {
    server.keepAliveTimeout = order.patience * 1000;
    server.keepAliveTimeoutBuffer = 0;
    server.on("session", (session) => session.setTimeout(order.patience * 1000, () => session.close()));
  },
  fleeting: (server) => {
    server.maxRequestsPerSocket = order.lifetime;
    server.on("session", (session) => {
      let left = order.lifetime;
      session.on("stream", () => { if (--left === 0) session.close(); });
    });
  },
};

for (const door of order.doors) {
  const server = MAKE[door.layer]((request, response) => site[request.url](request, response));
  mannered[door.manner](server);
  server.listen({ fd: door.fd });
}
