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
  images: {
    // What is made is kept for everybody: only what everybody may see is asked for (app/pictures).
    localPatterns: [{ pathname: "/pictures/*", search: "" }],
    remotePatterns: [],
    qualities: [75],
    imageSizes: [36, 64, 72, 128, 208, 416],
    deviceSizes: [480, 828, 1280, 1920],
  },
  // Browsers ask for it by this name wherever they find no icon named, and for a moment that may be any page.
  rewrites: async () => [{ source: "/favicon.ico", destination: "/icon.svg" }],
};

export default config;
