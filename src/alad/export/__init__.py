"""Fitted detectors as ONNX models, which other programs run without Python."""

from alad.export.agreement import Agreement, compare
from alad.export.detectors import to_onnx

__all__ = ["Agreement", "compare", "to_onnx"]
