"""The tensors of the Open Inference Protocol V2 as they travel: JSON, raw bytes, and both."""
