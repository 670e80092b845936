// A small gateway for unit tests: it answers what a test tells it to, and keeps what it was asked.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

type Handler = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export class Gateway {
  readonly asked: Asked[] = [];
  readonly #server: Server;
  #handler: Handler = (_, response) => void response.writeHead(500).end();

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const asked = {
          method: request.method ?? "",
          path: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
        };
        this.asked.push(asked);
        void this.#handler(asked, response);
      });
    });
  }

  static async start(handler: Handler): Promise<Gateway> {
    const gateway = new Gateway();
    gateway.#handler = handler;
    await new Promise<void>((resolve) => gateway.#server.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answers(handler: Handler): void {
    this.#handler = handler;
  }

  count(path: string): number {
    return this.asked.filter((asked) => asked.path.split("?")[0] === path).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

export function problem(response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  const body = { type: `/problems/${code}`, title: code, status, detail: `said ${code}`, code, requestId: "r-1" };
  response.writeHead(status, { "content-type": "application/problem+json", ...headers }).end(JSON.stringify(body));
}
