import { defineConfig } from 'vite'

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:8080'
// Whole first segments: `/apiary` is the app's own.
const gatewaysOwn = '^/(api|auth|bff|files|docs|problems|\\.well-known|openapi\\.json|config\\.js)(?=[/?]|$)'

export default defineConfig({
  server: {
    // `Host` stays that of the dev server (no `changeOrigin`), so that the page is of one origin with what it calls:
    // cookies, CSRF and the check of WebSocket handshakes work as they do when the gateway serves the app.
    proxy: { [gatewaysOwn]: { target: gateway, ws: true } },
  },
  // A package that is linked, as here, changes without its version changing.
  optimizeDeps: { include: ['bff-client'], force: true },
})
