"""aiohttp plumbing shared by server and sandbox: listening, Bayeux over HTTP and WebSocket."""
