"""Models on disk: a folder of one JSON file and one safetensors file. Loading never executes."""

from alad.io.folder import FORMAT_VERSION, Model, read_model, write_model

__all__ = ["FORMAT_VERSION", "Model", "read_model", "write_model"]
