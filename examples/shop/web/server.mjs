import { createServer } from "node:http";
import { ARTICLES, GREETING, price } from "./shop.mjs";

const currency = process.env.CURRENCY ?? "EUR";

const server = createServer((request, response) => {
  if (request.url === "/healthz") {
    response.end("ok\n");
    return;
  }
  const lines = Object.keys(ARTICLES).map((article) => `${article}: ${price(article, currency)}`);
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end([GREETING, ...lines, ""].join("\n"));
});

server.listen(8080, () => console.log("listening on 8080"));

// Docker asks with SIGTERM: take no new connection, finish what was begun, then go.
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
