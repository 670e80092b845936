import path from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = {
  // The client is linked from this repository.
  turbopack: { root: path.join(import.meta.dirname, "../..") },
  outputFileTracingRoot: path.join(import.meta.dirname, "../.."),
  poweredByHeader: false,
  reactStrictMode: true,
};

export default config;
