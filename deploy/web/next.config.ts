import path from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = {
  // The client is linked from this repository.
  turbopack: { root: path.join(import.meta.dirname, "../..") },
  outputFileTracingRoot: path.join(import.meta.dirname, "../.."),
  // A page has its title from the beginning, for everybody: titles are made of what the page waits for anyway.
  htmlLimitedBots: /.*/,
  poweredByHeader: false,
  reactStrictMode: true,
};

export default config;
