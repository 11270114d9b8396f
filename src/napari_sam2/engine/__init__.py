"""Inference: stateless functions over the network, and small caches."""
