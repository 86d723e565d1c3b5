"""Readers, splits and encoders; never imports PyTorch."""
