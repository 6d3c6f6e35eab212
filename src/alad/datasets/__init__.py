"""Benchmark data sets: find the file, check its digest, make the published split."""
