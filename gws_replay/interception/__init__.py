"""HTTP libraries of this process send to the playback instead of the network: patches, scopes, the network guard."""
