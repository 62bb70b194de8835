"""The CometD protocol (Bayeux 1.0), sans-IO: server, subscriber, messages, and which HTTP request carries them."""
