"""The network: SAM 2 in torch alone, stateless; its weights are the only thing read from disk."""
