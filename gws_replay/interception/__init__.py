"""HTTP libraries of this process ask the playback instead of the network: patches, scopes, the network guard."""
